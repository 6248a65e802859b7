'use strict';
// Orders: read and paid.
const { openPool } = require('../../shared/database');
const { serve } = require('../../shared/web');

const pool = openPool();

async function order(id) {
  const { rows } = await pool.query('SELECT id, total FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function pay(id) {
  const { rowCount } = await pool.query('UPDATE orders SET total = total + 1 WHERE id = $1', [id]);
  return { id, paid: rowCount === 1 };
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'POST /payments/:id': ({ id }) => pay(Number(id)),
});
