// a window over the latest entries
'use strict';
const { drive } = require('../driver.cjs');
const samples = new Array(2000).fill(null);
let at = 0;

drive((i) => { samples[at++ % 200] = { i, ms: i / 3 }; });
