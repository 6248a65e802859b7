'use strict';
// Orders and their customers: small statements, each with an index.
const { openPool } = require('../../shared/database');
const { serve } = require('../../shared/web');

const pool = openPool();

async function order(id) {
  const { rows: [found] } = await pool.query('SELECT id, customer_id, total FROM orders WHERE id = $1', [id]);
  const { rows: [next] } = await pool.query('SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT 1', [id]);
  const { rows: [{ total }] } = await pool.query('SELECT sum(total) AS total FROM orders WHERE customer_id = $1', [found.customer_id]);
  return { ...found, next: next?.id, customer_total: total };
}

async function customer(id) {
  const { rows } = await pool.query('SELECT count(*)::int AS orders, sum(total) AS total FROM orders WHERE customer_id = $1', [id % 500]);
  return rows[0];
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'GET /customers/:id': ({ id }) => customer(Number(id)),
});
