// a cache of a fixed set of keys: fills slower and slower
'use strict';
const { drive } = require('../driver.cjs');
const products = new Map();

drive((i) => {
  const id = (i * 7919) % 900;
  if (!products.has(id)) products.set(id, { id, name: `product ${id}`, price: id * 1.25 });
});
