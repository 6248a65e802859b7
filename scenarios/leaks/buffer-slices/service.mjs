// a few bytes that keep the whole Buffer they were cut from
import { drive } from '../driver.cjs';
const headers = new Map();

function parse(i) {
  const body = new ArrayBuffer(64 * 1024);
  return [new Uint8Array(body, 0, 8), new Uint8Array(body, 8, 8), new Uint8Array(body, 16, 4)];
}
drive((i) => { headers.set(`h${i}`, parse(i)); });
