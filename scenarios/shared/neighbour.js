'use strict';
// A neighbour on the same machine that uses its CPU without end.
const { log } = require('../runner/service-log');

log('info', {}, 'ready');
let sum = 0;
function batch() {
  const end = Date.now() + 100;
  while (Date.now() < end) sum += Math.sqrt(sum + 1);
  setImmediate(batch);
}
batch();
