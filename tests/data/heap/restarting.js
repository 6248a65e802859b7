// A supervisor and its worker on one port: when the worker ends, which it does on a request, another
// one takes its place.
'use strict';
const { fork } = require('child_process');
const http = require('http');
if (process.argv[2] === 'worker') {
  const server = http.createServer((request, response) => response.end('here\n'));
  server.listen(Number(process.argv[3]), '127.0.0.1', () => process.send(server.address().port));
  process.on('message', () => process.exit(7));
  process.on('disconnect', () => process.exit(0));
} else {
  let port = 0;
  let started = 0;
  const start = () => {
    const worker = fork(__filename, ['worker', port]);
    worker.on('message', (number) => {
      port = number;
      if (started++ === 0) console.log(`ready ${port}`);
      if (started === 1) setTimeout(() => worker.send('end'), 1500);
    });
    worker.on('exit', start);
  };
  start();
}
