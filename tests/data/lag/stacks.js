// Says "ready 0", then what Error.stack holds: "stack <frame>" lines, innermost first, then "stack
// end"; then it blocks for ever in one kind of code. Kinds: spin, regex, json, lock.
'use strict';
const cell = new Int32Array(new SharedArrayBuffer(4));

const blockers = {
  spin() { for (;;) cell[0] = (cell[0] + 1) | 0; },
  regex() { return /^(a+)+$/.test('a'.repeat(40) + 'b'); },
  json() { const text = `[${'1,'.repeat(500000)}1]`; for (;;) JSON.parse(text); },
  lock() { Atomics.wait(cell, 0, 0); },
};

class Repository {
  scan(kind) {
    say(new Error('here').stack);
    return blockers[kind]();
  }
}
const handler = (kind) => new Repository().scan(kind);

function say(stack) {
  const fs = require('fs');
  const lines = stack.split('\n').slice(1).map((line) => `stack ${line.trim()}\n`);
  fs.writeSync(1, ['ready 0\n', ...lines, 'stack end\n'].join(''));
}

setTimeout(function main() { handler(process.argv[2]); }, 1);
