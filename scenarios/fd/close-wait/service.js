'use strict';
// Devices report over a plain TCP protocol; the service keeps the last word of each.
const net = require('node:net');
const { log, serve } = require('../../shared/web');

const last = new Map();

function receive(socket) {
  socket.once('data', (data) => {
    last.set(data.toString('latin1', 0, 8), Date.now());
    socket.write('ok\n');
  });
  socket.on('error', () => {});
}

const devices = net.createServer({ allowHalfOpen: true }, receive);
devices.listen(Number(process.env.DEVICES_LISTEN), '127.0.0.1', () => log('info', { port: devices.address().port }, 'devices'));
serve({ 'GET /devices': () => ({ count: last.size }) });
