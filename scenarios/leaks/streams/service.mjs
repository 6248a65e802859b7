// streams that are neither ended nor destroyed
import { drive } from '../driver.cjs';
import { Readable } from 'node:stream';

const exportsById = {};
drive((i) => {
  const rows = new Readable({ read() {} });
  rows.push(`row ${i}`);
  exportsById[`export-${i}`] = rows;
});
