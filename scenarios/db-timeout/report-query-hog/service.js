'use strict';
// An order service as many are: one pool, a small API, a JSON log, and a report that somebody added
// for the month's end. Nothing in it knows of triage.
const http = require('node:http');
const { Pool } = require('pg');
const { log, serveLogged } = require('../../runner/service-log');

const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  application_name: 'orders',
  max: 10,
  connectionTimeoutMillis: 2000,
  idleTimeoutMillis: 10000,
});
pool.on('error', (error) => log('error', { err: error }, 'idle client error'));

async function order(id) {
  const { rows } = await pool.query(
    'SELECT id, customer_id, total, created_at FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function customer(id) {
  const { rows } = await pool.query(
    'SELECT count(*)::int AS orders, sum(total) AS total FROM (' +
    'SELECT total FROM orders WHERE id % 500 = $1 ORDER BY id LIMIT 20) AS latest', [id % 500]);
  return rows[0];
}

// For each order the customer's turnover up to it: without an index on customer_id this reads the
// whole table once per order, so its time grows with the square of the table.
async function monthlyReport() {
  const { rows } = await pool.query(
    "SELECT date_trunc('month', o.created_at) AS month, count(*) AS orders, sum((" +
    ' SELECT sum(p.total) FROM orders p' +
    ' WHERE p.customer_id = o.customer_id AND p.created_at <= o.created_at' +
    ')) AS running_total FROM orders o GROUP BY 1 ORDER BY 1');
  return rows;
}

function route(url) {
  const [, first, second] = url.split('/');
  if (first === 'orders') return () => order(Number(second) || 1);
  if (first === 'customers') return () => customer(Number(second) || 1);
  if (first === 'reports' && second === 'monthly') return monthlyReport;
  return undefined;
}

const server = http.createServer(serveLogged(async (request) => {
  const handler = route(request.url);
  if (handler === undefined) return { status: 404, body: { error: 'not found' } };
  return { status: 200, body: await handler() };
}));
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  log('info', { port: server.address().port }, 'ready');
});
