'use strict';
// Shipping: labels go to the printer through its pipe, parcels have a file each.
const fs = require('node:fs/promises');
const path = require('node:path');
const { serve } = require('../../shared/web');

const printer = process.env.PRINTER ?? path.resolve('printer');

async function parcel(id) {
  const file = path.resolve(`parcel-${id % 10}.json`);
  try {
    return JSON.parse(await fs.readFile(file, 'utf8'));
  } catch {
    await fs.writeFile(file, JSON.stringify({ id, weight: 1.5 }));
    return { id };
  }
}

async function printLabel(id) {
  await fs.writeFile(printer, `label ${id}\n`);
  return { printed: id };
}

serve({
  'GET /parcels/:id': ({ id }) => parcel(Number(id)),
  'POST /labels/:id': ({ id }) => printLabel(Number(id)),
});
