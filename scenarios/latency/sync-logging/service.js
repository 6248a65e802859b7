'use strict';
// Orders with a journal that must survive a power cut.
const fs = require('node:fs');
const { serve } = require('../../shared/web');

const journal = fs.openSync('journal.log', 'a');

function note(event, order) {
  fs.writeSync(journal, `${new Date().toISOString()} ${event} ${JSON.stringify(order)}\n`);
  fs.fsyncSync(journal);
}

function book(id) {
  const order = { id, lines: Array.from({ length: 12 }, (_, line) => ({ line, product: id * line })) };
  for (const line of order.lines) note('reserved', line);
  note('booked', order);
  return order;
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), total: 12.5 }),
  'POST /orders/:id': ({ id }) => book(Number(id)),
});
