// short slices that keep long texts
'use strict';
const { drive } = require('../driver.cjs');
const names = [];

drive((i) => {
  const page = Buffer.alloc(20_000, 97 + (i % 26)).toString('latin1') + i;
  names.push(Buffer.from(page).toString('latin1').slice(100, 130));
});
