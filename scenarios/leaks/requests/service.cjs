// whole requests kept for a few of their fields
'use strict';
const { drive } = require('../driver.cjs');
const http = require('node:http');

const slow = [];
const socket = new (require('node:stream').Duplex)({ read() {}, write(chunk, encoding, done) { done(); } });

drive((i) => {
  const request = new http.IncomingMessage(socket);
  request.url = `/report/${i}`;
  slow.push({ request, response: new http.ServerResponse(request), ms: i });
});
