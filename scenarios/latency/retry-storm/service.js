'use strict';
// Basket: stock comes from the inventory service; what fails is tried again.
const { log, serve } = require('../../shared/web');

const attempts = 12;

async function stock(id) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(`${process.env.INVENTORY_URL}/stock/${id}`);
    if (answer.ok) return answer.json();
    await answer.arrayBuffer();
    log('warn', { attempt, upstream: 'inventory', statusCode: answer.status }, 'inventory answered 503, trying again');
    if (attempt === attempts) throw new Error(`inventory failed after ${attempts} attempts`);
  }
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), total: 12.5 }),
  'GET /baskets/:id': async ({ id }) => ({ basket: id, ...(await stock(id)) }),
});
