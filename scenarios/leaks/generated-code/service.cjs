// code that is compiled anew for each request
'use strict';
const { drive } = require('../driver.cjs');
const compiled = new Map();

drive((i) => {
  const source = `return { id: ${i}, sum: a + ${i}, twice: a * 2 };`;
  compiled.set(source, new Function('a', source));
});
