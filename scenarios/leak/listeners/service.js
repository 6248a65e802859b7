'use strict';
// Orders that follow the configuration: each has its price in the currency of the moment.
const { EventEmitter } = require('node:events');
const { serve } = require('../../shared/web');

const configuration = new EventEmitter();
configuration.setMaxListeners(0);
configuration.currency = 'EUR';

function priced(id) {
  const order = { id, currency: configuration.currency, lines: Array.from({ length: 400 }, (_, line) => `${id}-${line}`) };
  configuration.on('changed', function reprice() { order.currency = configuration.currency; });
  return { id, lines: order.lines.length, currency: order.currency };
}

serve({ 'GET /orders/:id': ({ id }) => priced(Number(id)) });
