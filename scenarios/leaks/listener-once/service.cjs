// once() for an event that never comes
'use strict';
const { drive } = require('../driver.cjs');
const { EventEmitter } = require('node:events');

const shutdown = new EventEmitter();
shutdown.setMaxListeners(0);

drive((i) => {
  const upload = { id: i, parts: new Array(8).fill(i) };
  shutdown.once('stop', () => upload.parts.length);
});
