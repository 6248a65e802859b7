'use strict';
// HTTP/2 and HTTP/1.1 over TLS that wants a client certificate; says what it saw.
//   node tls_server.js DIRECTORY   with server.crt, server.key and ca.crt in it
const fs = require('node:fs');
const http2 = require('node:http2');
const path = require('node:path');

const file = (name) => fs.readFileSync(path.join(process.argv[2], name));
const server = http2.createSecureServer({
  allowHTTP1: true, requestCert: true, rejectUnauthorized: true,
  cert: file('server.crt'), key: file('server.key'), ca: file('ca.crt'),
}, (request, response) => {
  const client = request.socket.getPeerCertificate
    ? request.socket.getPeerCertificate() : request.stream.session.socket.getPeerCertificate();
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({
    version: request.httpVersion, client: client.subject && client.subject.CN,
    path: request.url, tenant: request.headers['x-scope-orgid'],
  }));
});
server.on('sessionError', () => {});
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
