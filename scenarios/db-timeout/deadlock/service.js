'use strict';
// Accounts: money goes from one to another in a transaction.
const { openPool } = require('../../shared/database');
const { log, serve } = require('../../shared/web');

const pool = openPool();

async function order(id) {
  const { rows } = await pool.query('SELECT id, total FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function transfer(from, to) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('UPDATE orders SET total = total - 1 WHERE id = $1', [from]);
    await new Promise((resolve) => { setTimeout(resolve, 60); });
    await client.query('UPDATE orders SET total = total + 1 WHERE id = $1', [to]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    log('error', { err: error, from, to }, 'transfer failed');
    throw error;
  } finally {
    client.release();
  }
  return { from, to };
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'POST /transfers/:id': ({ id }) => (Number(id) % 2 === 0 ? transfer(1, 2) : transfer(2, 1)),
});
