'use strict';
// Orders with their customers' turnover, a page at a time.
const { openPool } = require('../../shared/database');
const { serve } = require('../../shared/web');

const pool = openPool();

async function order(id) {
  const { rows } = await pool.query('SELECT id, total FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function page(number) {
  const { rows } = await pool.query('SELECT id, customer_id FROM orders ORDER BY id LIMIT 150 OFFSET $1', [(number * 10) % 1500]);
  const lines = [];
  for (const { id, customer_id: customer } of rows) {
    const turnover = await pool.query('SELECT sum(total) AS turnover FROM orders WHERE customer_id = $1', [customer]);
    lines.push({ id, turnover: turnover.rows[0].turnover });
  }
  return lines;
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'GET /pages/:number': ({ number }) => page(Number(number)),
});
