// a list of promises that never settle
'use strict';
const { drive } = require('../driver.cjs');
const jobs = [];

drive((i) => {
  jobs.push((async () => { await new Promise(() => {}); return { done: i }; })());
});
