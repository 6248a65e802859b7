'use strict';
// node snapshots.js KIND PREFIX: does work of this kind between three heap snapshots of one inspector
// session, as triage heap diff wants them: PREFIX.a, PREFIX.b, PREFIX.c.
const fs = require('node:fs');
const inspector = require('node:inspector');
const { EventEmitter } = require('node:events');

const [kind, prefix] = process.argv.slice(2);

class Visit {
  constructor(number) {
    this.number = number;
    this.pages = new Array(20).fill(number);
  }
}

const visits = new Map();
const bus = new EventEmitter();
bus.setMaxListeners(0);
globalThis.app = { visits, bus };
let next = 0;

const kinds = {
  // never deleted
  leak(count) { for (let i = 0; i < count; i += 1) visits.set(next, new Visit(next++)); },
  // full after a while: looks like a leak until then
  bounded(count) {
    for (let i = 0; i < count; i += 1) {
      if (visits.size >= 1600) visits.delete(visits.keys().next().value);
      if (visits.size < 1600 && next < 1600) visits.set(next, new Visit(next));
      next += 1;
    }
  },
  // one listener per request, never removed
  listeners(count) {
    for (let i = 0; i < count; i += 1) {
      const visit = new Visit(next++);
      bus.on('config', () => visit.number);
    }
  },
  idle(count) { for (let i = 0; i < count; i += 1) new Visit(i).pages.sort(); },
};

const session = new inspector.Session();
session.connect();

function takeSnapshot(file) {
  return new Promise((resolve, reject) => {
    const descriptor = fs.openSync(file, 'w');
    const write = (message) => fs.writeSync(descriptor, message.params.chunk);
    session.on('HeapProfiler.addHeapSnapshotChunk', write);
    session.post('HeapProfiler.takeHeapSnapshot', { reportProgress: false }, (error) => {
      session.off('HeapProfiler.addHeapSnapshotChunk', write);
      fs.closeSync(descriptor);
      if (error) reject(error); else resolve();
    });
  });
}

(async () => {
  kinds[kind](500);
  await takeSnapshot(`${prefix}.a`);
  kinds[kind](1000);
  await takeSnapshot(`${prefix}.b`);
  kinds[kind](1000);
  await takeSnapshot(`${prefix}.c`);
})();
