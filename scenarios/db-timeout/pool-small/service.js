'use strict';
// Orders: each is priced by a function of the database that takes its twentieth of a second.
const { openPool } = require('../../shared/database');
const { serve } = require('../../shared/web');

const pool = openPool({ max: 2 });

async function order(id) {
  const { rows } = await pool.query('SELECT id, total, pg_sleep(0.05) FROM orders WHERE id = $1', [id]);
  return { id: rows[0].id, total: rows[0].total };
}

serve({ 'GET /orders/:id': ({ id }) => order(Number(id)) });
