// A quiet HTTP service. "ready PORT" when it listens; with "own-handler" SIGUSR1 is its own.
'use strict';
const http = require('http');
if (process.argv.includes('own-handler')) process.on('SIGUSR1', () => console.log('handled'));
const server = http.createServer((request, response) => response.end('ok\n'));
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
