// streams that are neither ended nor destroyed
'use strict';
const { drive } = require('../driver.cjs');
const { PassThrough } = require('node:stream');

const open = new Set();

drive((i) => {
  const stream = new PassThrough();
  stream.write(`header ${i}`);
  open.add(stream);
});
