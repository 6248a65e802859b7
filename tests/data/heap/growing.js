// A service whose memory grows in one place: js, buffers, native or not at all (flat).
'use strict';
const http = require('http');
const crypto = require('crypto');
const kept = [];
const secret = Buffer.alloc(64 * 1024, 1);
const grow = {
  flat() {},
  js() { for (let i = 0; i < 2000; i++) kept.push({ number: i, text: `item ${kept.length}` }); },
  buffers() { kept.push(Buffer.alloc(256 * 1024, 1)); },
  // Keys lie in OpenSSL's memory, of which V8 knows nothing; their JavaScript objects are tiny.
  native() { for (let i = 0; i < 4; i++) kept.push(crypto.createSecretKey(secret)); },
}[process.argv[2]];
setInterval(grow, 20);
const server = http.createServer((request, response) => response.end(`${kept.length}\n`));
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
