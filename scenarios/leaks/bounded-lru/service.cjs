// a cache with a limit: full after a while
'use strict';
const { drive } = require('../driver.cjs');
const recent = new Map();

drive((i) => {
  recent.set(i, { id: i, text: `entry ${i}` });
  if (recent.size > 300) recent.delete(recent.keys().next().value);
});
