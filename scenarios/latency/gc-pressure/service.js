'use strict';
// Stock: all positions are in memory; a valuation makes a sorted view of them.
const { serve } = require('../../shared/web');

const positions = new Map(Array.from({ length: 750000 }, (_, i) => [i, { id: i, store: i % 40, quantity: (i * 7919) % 97, price: i / 7 }]));

function valuation(store) {
  const rows = [];
  for (const { id, store: where, quantity, price } of positions.values()) {
    if (where % 8 === store % 8) rows.push({ id, value: quantity * price, label: `${where}/${id}` });
  }
  return rows.length;
}

serve({
  'GET /positions/:id': ({ id }) => positions.get(Number(id)),
  'GET /valuations/:store': ({ store }) => ({ store, rows: valuation(Number(store)) }),
});
