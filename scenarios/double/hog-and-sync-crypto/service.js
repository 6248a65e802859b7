'use strict';
// Accounts and their orders: a login, and the report of the month.
const crypto = require('node:crypto');
const { openPool } = require('../../shared/database');
const { body, serve } = require('../../shared/web');

const pool = openPool();
const salt = crypto.randomBytes(16);

function digest(password) {
  return crypto.pbkdf2Sync(password, salt, 120000, 64, 'sha512').toString('hex');
}

async function order(id) {
  const { rows } = await pool.query('SELECT id, total FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function monthlyReport() {
  const { rows } = await pool.query(
    "SELECT date_trunc('month', o.created_at) AS month, sum((" +
    ' SELECT sum(p.total) FROM orders p WHERE p.customer_id = o.customer_id AND p.created_at <= o.created_at' +
    ')) AS running_total FROM orders o GROUP BY 1 ORDER BY 1');
  return rows;
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'GET /reports/monthly': monthlyReport,
  'POST /login': async (_, request) => ({ session: digest(JSON.parse(await body(request)).password).slice(0, 32) }),
});
