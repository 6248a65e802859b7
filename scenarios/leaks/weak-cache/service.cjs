// weak references
'use strict';
const { drive } = require('../driver.cjs');
const details = new WeakMap();

drive((i) => {
  const request = { id: i };
  details.set(request, { started: Date.now(), tags: new Array(10).fill(i) });
  return details.get(request).started;
});
