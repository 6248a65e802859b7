'use strict';
// Reports: the orders of a month as a compressed table, kept for the download.
const zlib = require('node:zlib');
const { serve } = require('../../shared/web');

const lines = Array.from({ length: 30000 }, (_, i) => `${i},customer-${(i * 7919) % 5000},${((i * 37) % 10000) / 100},2026-${1 + (i % 12)}-01,shipped`);
const archive = new Map();

function monthlyTable(month) {
  const table = Buffer.from(lines.join('\n'));
  return zlib.gzipSync(table, { level: 9 });
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), line: lines[Number(id)] }),
  'GET /reports/:month': ({ month }) => {
    const packed = monthlyTable(month);
    archive.set(Number(month) % 12, packed);
    return { month, bytes: packed.length };
  },
});
