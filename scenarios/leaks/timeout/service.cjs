// a timeout of hours per request, nothing clears it
'use strict';
const { drive } = require('../driver.cjs');
drive((i) => {
  const reservation = { seat: i, holder: `user${i}` };
  setTimeout(function release() { reservation.holder = null; }, 24 * 3600_000);
});
