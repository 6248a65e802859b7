'use strict';
// The rates service: HTTPS with a certificate made at the build of the scenario.
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { log } = require('../runner/service-log');

const server = https.createServer({
  key: fs.readFileSync(path.join(process.env.OUT, 'key.pem')),
  cert: fs.readFileSync(path.join(process.env.OUT, 'certificate.pem')),
}, (request, response) => response.end(JSON.stringify({ rate: 1.1 })));
let connections = 0;
server.on('secureConnection', () => { connections += 1; });
server.listen(Number(process.env.PORT), '127.0.0.1', () => log('info', {}, 'ready'));
setInterval(() => log('info', { connections }, 'connections so far'), 1000);
