// node requests.js PORT N: makes N requests, one after another.
'use strict';
const http = require('http');
const [port, count] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true });
let left = count;
function next() {
  if (left-- === 0) return process.exit(0);
  http.get({ port, host: '127.0.0.1', agent }, (response) => response.resume().on('end', next))
    .on('error', () => process.exit(1));
}
next();
