'use strict';
// Checkout: an order is charged by the payment service; orders follow the configuration.
const { EventEmitter } = require('node:events');
const { serve } = require('../../shared/web');

const configuration = new EventEmitter();
configuration.setMaxListeners(0);

function priced(id) {
  const order = { id, currency: 'EUR', lines: Array.from({ length: 500 }, (_, line) => `${id}-${line}`) };
  configuration.on('changed', function reprice() { order.currency = configuration.currency; });
  return { id, lines: order.lines.length };
}

async function charge(id) {
  const answer = await fetch(`${process.env.PAYMENTS_URL}/charges`, { method: 'POST', body: JSON.stringify({ order: id }) });
  return answer.json();
}

serve({
  'GET /orders/:id': ({ id }) => priced(Number(id)),
  'POST /checkout/:id': async ({ id }) => ({ order: id, ...(await charge(Number(id))) }),
});
