// whole Buffers kept
'use strict';
const { drive } = require('../driver.cjs');
const uploads = [];

drive((i) => { uploads.push(Buffer.alloc(16 * 1024, i & 255)); });
