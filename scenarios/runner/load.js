'use strict';
// node load.js BASE_URL PLAN: asks at a steady rate whether or not answers come (open model, as
// users do), until it is ended. PLAN is the `load` list of a scenario as JSON:
//   path         {n} is a number that changes with each request
//   per_second   requests per second; timeout_ms: the client gives up (default 5000)
//   method, body (with {n}), body_bytes (that many letters instead of a body)
//   keep_alive   false: a connection of its own for each request
//   after_requests, after_s: how many requests, or seconds, of the others come first
// Prints what the clients saw, a line a second: {"at": ms, "routes": {path: {asked, failed, times_ms}}}.
const http = require('node:http');

const [base, planText] = process.argv.slice(2);
const plan = JSON.parse(planText);
const kept = new http.Agent({ keepAlive: true, maxSockets: 500 });
const began = Date.now();
let asked = 0;
let second = {};

function ask(step) {
  asked += 1;
  const number = `${1 + (asked * 7919) % 300}`;
  const seen = second[step.path] ??= { asked: 0, failed: 0, times_ms: [] };
  seen.asked += 1;
  const start = performance.now();
  const body = step.body_bytes ? 'a'.repeat(step.body_bytes) : step.body?.replaceAll('{n}', number);
  const request = http.request(base + step.path.replaceAll('{n}', number), {
    agent: step.keep_alive === false ? false : kept,
    method: step.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  }, (response) => {
    response.resume();
    response.on('end', () => {
      const row = second[step.path] ??= { asked: 0, failed: 0, times_ms: [] };
      row.times_ms.push(Math.round((performance.now() - start) * 10) / 10);
      if (response.statusCode >= 500) row.failed += 1;
    });
  });
  // from the start of the request, as a gateway counts it: not only while nothing moves
  const timer = setTimeout(() => request.destroy(), step.timeout_ms ?? 5000);
  request.on('close', () => clearTimeout(timer));
  request.on('error', () => {
    const row = second[step.path] ??= { asked: 0, failed: 0, times_ms: [] };
    row.failed += 1;
  });
  request.end(body);
}

for (const step of plan) {
  setInterval(() => {
    if (asked < (step.after_requests ?? 0) || Date.now() - began < (step.after_s ?? 0) * 1000) return;
    ask(step);
  }, 1000 / step.per_second);
}
setInterval(() => {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), routes: second })}\n`);
  second = {};
}, 1000);
