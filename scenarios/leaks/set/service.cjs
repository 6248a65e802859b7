// a Set that is only ever filled
'use strict';
const { drive } = require('../driver.cjs');
const seen = new Set();

drive((i) => { seen.add({ message: i, body: `m${i}` }); });
