// Code that blocks the loop, one function per kind: node kinds.cjs KIND [MS|forever]. It prints "ready 0",
// and then blocks for MS (80) every 150 ms, or once and for ever. With TRUTH=FILE each stall is one line
// {start_ms, end_ms} (Date.now()) there. The lines that run while it blocks end with "@KIND"; what triage
// says of a stall is held against them by tests/live/lag_stacks_live_test.cpp and tests/bench/lag-stacks.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');
const { execSync } = require('node:child_process');

const [kind, lengthText = '80'] = process.argv.slice(2);
const forever = lengthText === 'forever';
const length = forever ? Infinity : Number(lengthText);
const now = Date.now;

const hostile = 'a'.repeat(17) + 'b';
const numbers = Array.from({ length: 20000 }, (_, i) => (i * 7919) % 20011);
const document = JSON.stringify(numbers.map((n) => ({ id: n, name: `item ${n}` })));
const bytes = Buffer.alloc(1 << 21, 'some text that packs well ');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'triage-kinds-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
const file = path.join(folder, 'large.bin');
const modules = [];
if (kind === 'readfile') fs.writeFileSync(file, bytes);
if (kind === 'require') {
  for (let i = 0; i < 200; ++i) {
    modules.push(path.join(folder, `module${i}.js`));
    fs.writeFileSync(modules[i], `exports.f${i} = (a) => a + ${i};\n`.repeat(200));
  }
}
let sink = 0;

class Counter {
  #total = 0;
  #step(by) { for (let i = 0; i < 1000; ++i) this.#total = (this.#total + by * i) | 0; } // @private
  run(end) { while (now() < end) this.#step(3); return this.#total; } // @private
}

class Repository {
  static scan(rows) { return rows.reduce((sum, row) => sum + Math.sqrt(row), 0); } // @static
}

const closures = {
  make: (by) => (end) => { while (now() < end) sink = (sink + by) | 0; }, // @closure
};

const handlers = {
  regex(end) { while (now() < end) /^(a+)+$/.test(hostile); }, // @regex
  jsonParse(end) { while (now() < end) JSON.parse(document); }, // @jsonParse
  jsonStringify(end) { while (now() < end) JSON.stringify(numbers); }, // @jsonStringify
  pbkdf2(end) { while (now() < end) crypto.pbkdf2Sync('secret', 'salt', 5000, 64, 'sha512'); }, // @pbkdf2
  hash(end) { while (now() < end) crypto.createHash('sha256').update(bytes).digest(); }, // @hash
  gzip(end) { while (now() < end) zlib.gzipSync(bytes); }, // @gzip
  readfile(end) { while (now() < end) fs.readFileSync(file); }, // @readfile
  exec(end) { execSync(`sleep ${forever ? 1000 : (end - now()) / 1000}`); }, // @exec
  atomics(end) { // it wakes when the time is over
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, end - now()); // @atomics
  },
  sort(end) { while (now() < end) [...numbers].sort((a, b) => a - b); }, // @sort
  nested(end) {
    while (now() < end) // @nested
      for (const a of numbers) // @nested
        for (let i = 0; i < 100; ++i) sink = (sink + a * i) | 0; // @nested
  },
  private(end) { sink = new Counter().run(end); }, // @private
  static(end) { while (now() < end) sink = Repository.scan(numbers); }, // @static
  closure(end) { closures.make(3)(end); }, // @closure
  includes(end) { while (now() < end) numbers.slice(0, 300).filter((n) => numbers.includes(-n)); }, // @includes
  bufferText(end) { while (now() < end) sink += bytes.toString('hex').length; }, // @bufferText
  spread(end) { while (now() < end) sink += [...numbers, ...numbers].length; }, // @spread
  garbage(end) { while (now() < end) sink += Array.from({ length: 5000 }, (_, i) => ({ i })).length; }, // @garbage
  log(end) { while (now() < end) console.log('a line of a log that is written at once', sink); }, // @log
  require(end) {
    while (now() < end)
      for (const name of modules) { delete require.cache[name]; require(name); } // @require
  },
  clone(end) { while (now() < end) structuredClone(numbers); }, // @clone
  proxy(end) {
    const seen = new Proxy({}, { get: (target, key) => key.length }); // @proxy
    while (now() < end) sink += seen.name; // @proxy
  },
  generator(end) {
    function* count() { for (let i = 0; now() < end; ++i) yield i; } // @generator
    for (const i of count()) sink = (sink + i) | 0; // @generator
  },
  bigint(end) { while (now() < end) sink += Number((3n ** 20000n) % 7n); }, // @bigint
  text(end) { while (now() < end) sink += document.split(',').map((part) => part.trim()).length; }, // @text
  eval(end) { while (now() < end) (0, eval)('let a = 0; for (let i = 0; i < 100000; ++i) a += i; a'); }, // @eval
};

// These do not return: they queue the next piece before the loop can go on.
const queued = {
  microtasks(end, done) {
    // The promise is not returned: a chain of them would keep the collector busy instead.
    const again = () => { now() < end ? Promise.resolve().then(again) : done(); }; // @microtasks
    again();
  },
  nextTick(end, done) {
    const again = () => (now() < end ? process.nextTick(again) : done()); // @nextTick
    again();
  },
  async awaits(end, done) {
    while (now() < end) await null; // @awaits
    done();
  },
};

function tell(start) {
  if (process.env.TRUTH)
    fs.appendFileSync(process.env.TRUTH, JSON.stringify({ start_ms: start, end_ms: now() }) + '\n');
}

function next() {
  setTimeout(() => {
    const start = now();
    const done = () => { tell(start); next(); };
    if (queued[kind]) return void queued[kind](start + length, done);
    handlers[kind](start + length);
    done();
  }, 150);
}

if (kind === 'list') {
  console.log([...Object.keys(handlers), ...Object.keys(queued)].join(' '));
} else {
  fs.writeSync(1, 'ready 0\n');
  next();
}
