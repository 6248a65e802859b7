'use strict';
// The devices: each connects, reports, and hangs up.
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { log } = require('../../runner/service-log');

let number = 0;
// The service starts after this one and says in its log where it listens.
function port() {
  try {
    return Number(/"port":(\d+),"msg":"devices"/.exec(fs.readFileSync(path.resolve('service.log'), 'utf8'))?.[1]);
  } catch {
    return NaN;
  }
}
setInterval(() => {
  const to = port();
  if (Number.isNaN(to)) return;
  number += 1;
  const socket = net.connect(to, '127.0.0.1', () => socket.write(`device${number}\n`));
  socket.once('data', () => socket.end());
  socket.on('error', () => {});
}, 60);
log('info', {}, 'ready');
