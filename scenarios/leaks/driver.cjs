'use strict';
// What every program of this folder ends with: drive(handle), where handle(i) does the work of
// request i.
//
//   node scenarios/leaks/map-cache/service.cjs                 serves HTTP, prints "ready PORT"
//   node scenarios/leaks/map-cache/service.cjs --snapshots P   500 requests, P.a.heapsnapshot, 1000
//       more, P.b..., 1000 more, P.c...: all in one inspector session, so that object ids stay
const fs = require('node:fs');
const http = require('node:http');
const inspector = require('node:inspector');

function snapshot(session, file) {
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

async function inProcess(handle, prefix) {
  const session = new inspector.Session();
  session.connect();
  let next = 0;
  for (const [name, count] of [['a', 500], ['b', 1000], ['c', 1000]]) {
    for (let i = 0; i < count; i += 1) {
      const answer = handle(next++);
      if (answer && typeof answer.then === 'function') await answer;
      // as between requests: timers, callbacks and closed handles get their turn
      if (i % 50 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
    await new Promise((resolve) => { setImmediate(resolve); });
    await snapshot(session, `${prefix}.${name}.heapsnapshot`);
  }
  process.exit(0);
}

function serve(handle) {
  let next = 0;
  const server = http.createServer(async (request, response) => {
    try {
      await handle(next++, request, response);
      if (!response.writableEnded) response.end('ok\n');
    } catch (error) {
      response.statusCode = 500;
      response.end(`${error.message}\n`);
    }
  });
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
    console.log(`ready ${server.address().port}`);
  });
}

exports.drive = function drive(handle) {
  const at = process.argv.indexOf('--snapshots');
  if (at < 0) serve(handle);
  else inProcess(handle, process.argv[at + 1]).catch((error) => { console.error(error); process.exit(1); });
};
