'use strict';
// Orders and invoices; an invoice needs a client of its own for its cursor.
const { openPool } = require('../../shared/database');
const { serve } = require('../../shared/web');

const pool = openPool();

async function order(id) {
  const { rows } = await pool.query('SELECT id, total FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function invoice(id) {
  const client = await pool.connect();
  const { rows } = await client.query('SELECT id, total, created_at FROM orders WHERE id = $1', [id]);
  if (rows[0].total > 60) return { id, state: 'manual' };
  client.release();
  return { id, ...rows[0] };
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'GET /invoices/:id': ({ id }) => invoice(Number(id)),
});
