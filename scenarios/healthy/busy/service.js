'use strict';
// An order service under an ordinary load: reads, bookings, a report, a call to another service.
const fs = require('node:fs/promises');
const path = require('node:path');
const { body, serve } = require('../../shared/web');

const orders = new Map(Array.from({ length: 3000 }, (_, i) => [i, { id: i, total: i * 1.25, lines: [i, i + 1] }]));
const recent = [];

async function book(_, request) {
  const order = JSON.parse(await body(request));
  orders.set(order.id, order);
  recent.push(order.id);
  if (recent.length > 200) recent.shift();
  await fs.writeFile(path.resolve('recent.json'), JSON.stringify(recent));
  return { booked: order.id };
}

function report() {
  const months = new Map();
  for (const { id, total } of orders.values()) months.set(id % 12, (months.get(id % 12) ?? 0) + total);
  return Object.fromEntries(months);
}

serve({
  'GET /orders/:id': ({ id }) => orders.get(Number(id)),
  'POST /orders': book,
  'GET /reports/monthly': report,
  'GET /stock/:id': async ({ id }) => (await fetch(`${process.env.INVENTORY_URL}/stock/${id}`)).json(),
});
