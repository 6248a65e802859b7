// connections that are never closed
'use strict';
const { drive } = require('../driver.cjs');
const net = require('node:net');

const server = net.createServer(() => {});
const listening = new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });

drive(async () => {
  await listening;
  await new Promise((resolve) => { net.connect(server.address().port, '127.0.0.1', resolve); });
});
