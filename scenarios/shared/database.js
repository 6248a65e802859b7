'use strict';
// The database of a small service: one pool, errors of idle clients in the log.
const { Pool } = require('pg');
const { log } = require('../runner/service-log');

function openPool(options = {}) {
  const pool = new Pool({
    connectionString: process.env.DATABASE_URL,
    application_name: 'orders',
    max: 10,
    connectionTimeoutMillis: 2000,
    idleTimeoutMillis: 10000,
    ...options,
  });
  pool.on('error', (error) => log('error', { err: error }, 'idle client error'));
  return pool;
}

module.exports = { openPool };
