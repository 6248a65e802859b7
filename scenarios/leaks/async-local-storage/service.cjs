// a store of the request that a long timer keeps
'use strict';
const { drive } = require('../driver.cjs');
const { AsyncLocalStorage } = require('node:async_hooks');

const context = new AsyncLocalStorage();

drive((i) => {
  context.run({ requestId: i, user: { name: `u${i}`, roles: ['a', 'b'] } }, () => {
    setInterval(() => {}, 3600_000);
  });
});
