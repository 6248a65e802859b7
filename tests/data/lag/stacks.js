// Blocks for ever in one kind of code, after saying what Error.stack holds at that place:
// "stack <frame>" lines, innermost first, then "ready 0". Kinds: spin, regex, json, lock.
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
  for (const line of stack.split('\n').slice(1)) fs.writeSync(1, `stack ${line.trim()}\n`);
  fs.writeSync(1, 'ready 0\n');
}

setTimeout(function main() { handler(process.argv[2]); }, 1);
