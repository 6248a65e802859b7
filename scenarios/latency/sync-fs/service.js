'use strict';
// Catalogue: one file for each product, as the editors' tool writes them.
const fs = require('node:fs');
const path = require('node:path');
const { serve } = require('../../shared/web');

const folder = path.resolve('catalogue');
fs.mkdirSync(folder, { recursive: true });
for (let i = 0; i < 8000; i += 1) fs.writeFileSync(path.join(folder, `${i}.json`), JSON.stringify({ id: i, price: i * 1.25 }));

function priceList() {
  const list = [];
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const { mtimeMs } = fs.statSync(file);
    list.push({ price: JSON.parse(fs.readFileSync(file, 'utf8')).price, mtimeMs });
  }
  return list;
}

serve({
  'GET /products/:id': ({ id }) => ({ id: Number(id), price: Number(id) * 1.25 }),
  'GET /prices': () => ({ count: priceList().length }),
});
