// connections that are never closed
import { drive } from '../driver.cjs';
import dgram from 'node:dgram';

drive((i) => {
  const socket = dgram.createSocket('udp4');
  socket.on('error', () => {});
  return new Promise((resolve) => { socket.bind(0, '127.0.0.1', () => resolve(i)); });
});
