// values of a WeakMap whose keys are kept elsewhere
'use strict';
const { drive } = require('../driver.cjs');
const details = new WeakMap();
const sessions = [];

drive((i) => {
  const session = { id: i };
  details.set(session, { rights: new Array(20).fill(`r${i}`), history: [i, i, i] });
  sessions.push(session);
});
