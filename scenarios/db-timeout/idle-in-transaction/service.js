'use strict';
// Orders; a booking is confirmed by the bank before its transaction ends.
const { openPool } = require('../../shared/database');
const { serve } = require('../../shared/web');

const pool = openPool();

async function order(id) {
  const { rows } = await pool.query('SELECT id, total FROM orders WHERE id = $1', [id]);
  return rows[0];
}

async function book(id) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query('SELECT total FROM orders WHERE id = $1', [id]);
    const answer = await fetch(`${process.env.BANK_URL}/charges`, { method: 'POST', body: JSON.stringify(rows[0]) });
    await client.query('COMMIT');
    return answer.json();
  } finally {
    client.release();
  }
}

serve({
  'GET /orders/:id': ({ id }) => order(Number(id)),
  'POST /bookings/:id': ({ id }) => book(Number(id)),
});
