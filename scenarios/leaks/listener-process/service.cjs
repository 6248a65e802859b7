// a listener per request on an object that Node.js itself keeps
'use strict';
const { drive } = require('../driver.cjs');
process.setMaxListeners(0);

drive((i) => {
  const session = { id: i, cart: [i, i + 1] };
  process.on('warning', () => { session.warned = true; });
});
