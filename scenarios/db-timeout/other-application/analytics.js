'use strict';
// Another team's application: a worker for each shard, each with its connection.
const { Client } = require('pg');
const { log } = require('../../runner/service-log');

async function worker(number) {
  const client = new Client({ connectionString: process.env.DATABASE_URL, application_name: 'analytics' });
  client.on('error', () => {});
  await client.connect();
  for (;;) {
    await client.query('SELECT count(*) FROM orders WHERE id % 30 = $1', [number]);
    await new Promise((resolve) => { setTimeout(resolve, 500); });
  }
}
const start = setInterval(() => {
  worker(Math.floor(Math.random() * 30)).catch((error) => log('warn', { err: error }, 'worker did not start'));
}, 150);
setTimeout(() => clearInterval(start), 600000);
log('info', {}, 'ready');
