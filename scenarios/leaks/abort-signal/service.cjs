// addEventListener per request on a signal or target that outlives it
'use strict';
const { drive } = require('../driver.cjs');
const shutdown = new AbortController();

drive((i) => {
  const query = { sql: `select ${i}`, rows: [] };
  shutdown.signal.addEventListener('abort', () => { query.cancelled = true; });
});
