// a table by async id without a destroy hook
'use strict';
const { drive } = require('../driver.cjs');
const async_hooks = require('node:async_hooks');

const resources = new Map();
async_hooks.createHook({
  init(id, type, trigger) { resources.set(id, { type, trigger, stack: `at ${id}` }); },
}).enable();

drive(async () => { await Promise.resolve(); });
