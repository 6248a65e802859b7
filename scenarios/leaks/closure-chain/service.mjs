// each closure keeps the one before it
import { drive } from '../driver.cjs';
let handler = () => 0;

function wrap(i) {
  const before = handler;
  const options = { i, tags: [`w${i}`] };
  handler = function wrapped() { return before === options; };
}
drive((i) => { wrap(i); });
