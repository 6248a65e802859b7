// closures pushed to a list that is never drained
'use strict';
const { drive } = require('../driver.cjs');
const cleanups = [];

drive((i) => {
  const file = { path: `/tmp/${i}`, bytes: new Array(10).fill(i) };
  cleanups.push(() => file.path);
});
