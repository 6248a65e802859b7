// A service that keeps so many bytes of each request ("0": nothing), as strings or as Buffers.
'use strict';
const http = require('http');
const [bytes, how] = [Number(process.argv[2]), process.argv[3]];
const kept = [];
const server = http.createServer((request, response) => {
  if (bytes > 0) kept.push(how === 'buffers' ? Buffer.alloc(bytes, 1) : Buffer.alloc(bytes, 97).toString('latin1'));
  response.end(`${kept.length}\n`);
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
