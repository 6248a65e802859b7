'use strict';
// Checkout: an order is charged by the payment service.
const { log, serve } = require('../../shared/web');

async function charge(id) {
  const answer = await fetch(`${process.env.PAYMENTS_URL}/charges`, { method: 'POST', body: JSON.stringify({ order: id }) });
  if (!answer.ok) log('error', { order: id, status: answer.status }, 'payment failed');
  return answer.json();
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), total: 12.5 }),
  'POST /checkout/:id': async ({ id }) => ({ order: id, ...(await charge(id)) }),
});
