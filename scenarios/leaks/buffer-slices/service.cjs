// a few bytes that keep the whole Buffer they were cut from
'use strict';
const { drive } = require('../driver.cjs');
const tokens = [];

drive((i) => {
  const packet = Buffer.alloc(32 * 1024, i & 255);
  tokens.push({ id: packet.subarray(0, 16), kind: packet.subarray(16, 20), user: packet.subarray(20, 36) });
});
