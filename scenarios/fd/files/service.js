'use strict';
// Documents: a file for each, looked into before it is sent.
const fs = require('node:fs/promises');
const path = require('node:path');
const { serve } = require('../../shared/web');

const folder = path.resolve('documents');
const seen = new Map();
let views = 0;

async function document(id) {
  const file = path.join(folder, `${id % 20}.txt`);
  await fs.mkdir(folder, { recursive: true });
  const handle = await fs.open(file, 'a+');
  const { size } = await handle.stat();
  views += 1;
  seen.set(views, handle);
  return { id, size };
}

serve({
  'GET /documents/:id': ({ id }) => document(Number(id)),
  'GET /health': () => ({ views }),
});
