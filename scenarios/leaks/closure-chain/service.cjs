// each closure keeps the one before it
'use strict';
const { drive } = require('../driver.cjs');
let latest = null;

drive((i) => {
  const previous = latest;
  const unused = () => previous;
  latest = { id: i, text: `t${i}`.repeat(8), run() { return i; } };
  return unused && undefined;
});
