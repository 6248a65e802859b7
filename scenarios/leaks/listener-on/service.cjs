// a listener per request, never removed
'use strict';
const { drive } = require('../driver.cjs');
const { EventEmitter } = require('node:events');

const bus = new EventEmitter();
bus.setMaxListeners(0);

drive(function handle(i) {
  const order = { id: i, lines: ['a', 'b', i] };
  bus.on('config-changed', function reload() { return order.id; });
});
