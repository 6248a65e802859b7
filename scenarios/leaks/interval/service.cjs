// an interval per request, never cleared
'use strict';
const { drive } = require('../driver.cjs');
class Poller {
  constructor(i) {
    this.id = i;
    this.seen = [];
    this.timer = setInterval(() => { this.seen.length = 0; }, 3600_000);
  }
}
drive((i) => { new Poller(i); });
