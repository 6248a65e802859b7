'use strict';
// node load.js BASE_URL PLAN: asks at a steady rate whether or not answers come (open model, as
// users do), until it is ended. PLAN is the `load` list of a scenario as JSON.
const http = require('node:http');

const [base, planText] = process.argv.slice(2);
const plan = JSON.parse(planText);
const agent = new http.Agent({ keepAlive: true, maxSockets: 500 });
let asked = 0;

function ask(path, timeout) {
  asked += 1;
  const url = base + path.replace('{n}', `${1 + (asked * 7919) % 300}`);
  const request = http.get(url, { agent }, (response) => response.resume());
  // from the start of the request, as a gateway counts it: not only while nothing moves
  const timer = setTimeout(() => request.destroy(), timeout);
  request.on('close', () => clearTimeout(timer));
  request.on('error', () => {});
}

for (const { path, per_second: rate, timeout_ms: timeout, after_requests: after = 0 } of plan) {
  setInterval(() => {
    if (asked >= after) ask(path, timeout);
  }, 1000 / rate);
}
