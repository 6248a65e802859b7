// a plain object used as a cache
'use strict';
const { drive } = require('../driver.cjs');
const responses = {};

drive((i) => { responses[`/products/${i}?page=1`] = { status: 200, body: `<p>${i}</p>` }; });
