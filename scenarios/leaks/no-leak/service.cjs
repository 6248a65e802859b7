// work that leaves nothing behind
'use strict';
const { drive } = require('../driver.cjs');
drive((i) => {
  const order = { id: i, lines: Array.from({ length: 20 }, (_, k) => ({ sku: `s${k}`, qty: k })) };
  return JSON.stringify(order).length;
});
