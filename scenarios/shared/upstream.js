'use strict';
// Another team's service as seen from outside: DELAY_MS until it answers, FAIL_RATIO of 503, from
// AFTER_S seconds after its start (before that it is well).
const { log, serve } = require('./web');

const since = Date.now();
let asked = 0;

async function answer(value) {
  asked += 1;
  if (Date.now() - since < Number(process.env.AFTER_S ?? 0) * 1000) return value;
  const delay = Number(process.env.DELAY_MS ?? 5);
  await new Promise((resolve) => { setTimeout(resolve, delay); });
  if ((asked * 7919) % 100 < Number(process.env.FAIL_RATIO ?? 0) * 100) return { status: 503, body: { error: 'overloaded' } };
  return value;
}

serve({
  'POST /charges': () => answer({ charged: true }),
  'GET /stock/:id': ({ id }) => answer({ id, stock: 3 }),
  'GET /rates/:id': ({ id }) => answer({ id, rate: 1.1 }),
});
setInterval(() => log('info', { asked }, 'requests so far'), 1000);
