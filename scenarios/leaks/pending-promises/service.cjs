// promises whose answer never comes, kept by their resolvers
'use strict';
const { drive } = require('../driver.cjs');
const waiting = new Map();

drive((i) => {
  const answer = new Promise((resolve) => { waiting.set(i, resolve); });
  answer.then((value) => value + i);
});
