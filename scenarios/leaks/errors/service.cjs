// Error objects kept with their stacks
'use strict';
const { drive } = require('../driver.cjs');
const failures = [];

drive((i) => {
  try { JSON.parse(`{broken ${i}`); } catch (error) { failures.push(error); }
});
