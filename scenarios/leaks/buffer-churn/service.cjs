// Buffers that are let go
'use strict';
const { drive } = require('../driver.cjs');
drive((i) => Buffer.alloc(64 * 1024, i & 255).toString('base64').length);
