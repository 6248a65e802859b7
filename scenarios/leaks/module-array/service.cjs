// an array that is only ever pushed to
'use strict';
const { drive } = require('../driver.cjs');
const audit = [];

drive((i) => { audit.push({ at: Date.now(), user: `u${i}`, action: 'read' }); });
