'use strict';
// Documents: a search that checks its words, and a view of each.
const fs = require('node:fs/promises');
const path = require('node:path');
const { serve } = require('../../shared/web');

const folder = path.resolve('documents');
const allowed = /^([a-z0-9]+[ -]?)+$/;
const seen = [];

function isAllowed(query) {
  return allowed.test(query);
}

async function document(id) {
  await fs.mkdir(folder, { recursive: true });
  const handle = await fs.open(path.join(folder, `${id % 20}.txt`), 'a+');
  seen.push(handle);
  return { id, size: (await handle.stat()).size };
}

serve({
  'GET /documents/:id': ({ id }) => document(Number(id)),
  'GET /search/:query': ({ query }) => (isAllowed(query) ? [] : { status: 400, body: { error: 'letters and digits only' } }),
});
