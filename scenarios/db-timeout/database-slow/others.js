'use strict';
// Three more applications of the same server: statistics, a search index, an export.
const { Client } = require('pg');
const { log } = require('../../runner/service-log');

async function work(name, statement) {
  await new Promise((resolve) => { setTimeout(resolve, Number(process.env.AFTER_MS ?? 5000)); });
  const client = new Client({ connectionString: process.env.DATABASE_URL, application_name: name });
  await client.connect();
  for (;;) await client.query(statement);
}
for (const name of ['statistics', 'search-index', 'export']) {
  work(name, 'SELECT sum(sqrt(n)) FROM generate_series(1, 300000) AS n');
  work(name, "SELECT count(DISTINCT md5(n::text)) FROM generate_series(1, 60000) AS n");
}
log('info', {}, 'ready');
