'use strict';
// A migration: a new column, and then a look at the data before the transaction ends.
const { Client } = require('pg');
const { log } = require('../../runner/service-log');

async function migrate() {
  const client = new Client({ connectionString: process.env.DATABASE_URL, application_name: 'migration' });
  await client.connect();
  log('info', {}, 'ready');
  await new Promise((resolve) => { setTimeout(resolve, 6000); });
  await client.query('BEGIN');
  await client.query("ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT ''");
  log('info', {}, 'column added, checking');
  await new Promise((resolve) => { setTimeout(resolve, 600000); });
  await client.query('ROLLBACK');
}
migrate();
