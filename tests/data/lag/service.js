// An HTTP service whose loop is blocked on purpose: node service.js KIND [MS [EVERY_MS]]. It prints
// "ready PORT", then for each stall one JSON line {kind, start_ns, end_ns (CLOCK_MONOTONIC), wall_ms}, the
// truth that triage is held against. KIND: none spin mix exec fifo atomics stuck crypto microtasks
// worker pool ends.
'use strict';
const http = require('node:http');
const fs = require('node:fs');
const crypto = require('node:crypto');
const { execFileSync } = require('node:child_process');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const [kind = 'none', lengthText = '50', everyText = '200'] = isMainThread
  ? process.argv.slice(2)
  : workerData;
const length = Number(lengthText);
const every = Number(everyText);

const say = (line) => fs.writeSync(1, line + '\n');

function spin(milliseconds) {
  const end = process.hrtime.bigint() + BigInt(Math.round(milliseconds * 1e6));
  while (process.hrtime.bigint() < end);
}

const block = {
  spin: () => spin(length),
  // 5 to 400 ms, evenly spread over the logarithm
  mix: () => spin(5.5 * Math.pow(400 / 5.5, Math.random())),
  exec: () => execFileSync('sleep', [String(length / 1000)]),
  fifo: () => fs.readFileSync(process.env.FIFO),
  atomics: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, length),
  crypto: () => crypto.pbkdf2Sync('secret', 'salt', length * 1000, 64, 'sha512'),
  stuck: () => { for (;;); },
};

function logged(name, run) {
  const wall = Date.now();
  const start = process.hrtime.bigint();
  run();
  const end = process.hrtime.bigint();
  say(JSON.stringify({ kind: name, start_ns: String(start), end_ns: String(end), wall_ms: wall }));
}

function schedule() {
  if (!block[kind]) return;
  const next = () => setTimeout(() => { logged(kind, block[kind]); next(); },
    every * (0.5 + Math.random()));
  next();
}

function start() {
  const server = http.createServer((request, response) => response.end('ok\n'));
  server.listen(0, '127.0.0.1', () => {
    if (kind === 'stuck') setTimeout(block.stuck, length);
    else if (kind === 'worker') new Worker(__filename, { workerData: ['spin', lengthText, everyText] });
    else if (kind === 'pool')
      setInterval(() => { for (let i = 0; i < 8; ++i) crypto.pbkdf2('a', 'b', 60000, 64, 'sha512', () => {}); }, 50);
    else if (kind === 'ends') setTimeout(() => process.exit(0), length);
    else if (kind === 'microtasks')
      setTimeout(() => { const again = () => Promise.resolve().then(again); again(); }, length);
    else schedule();
    say(`ready ${server.address().port}`);
  });
}

if (isMainThread) {
  if (process.env.HISTOGRAM) {
    const { monitorEventLoopDelay } = require('node:perf_hooks');
    const histogram = monitorEventLoopDelay({ resolution: 10 });
    histogram.enable();
    process.on('SIGTERM', () => {
      say(JSON.stringify({ max_ms: histogram.max / 1e6, p50_ms: histogram.percentile(50) / 1e6,
        p99_ms: histogram.percentile(99) / 1e6 }));
      process.exit(0);
    });
  }
  start();
} else {
  schedule();
  setInterval(() => {}, 1000);
  if (parentPort) parentPort.on('message', () => {});
}
