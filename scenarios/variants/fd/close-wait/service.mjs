// Devices with fastify; the plain protocol has a class of its own.
import net from 'node:net';
import { listen } from '../../../shared/fastify.mjs';

class Devices {
  #seen = new Map();
  receive(socket) {
    socket.on('readable', () => {
      const data = socket.read();
      if (data === null) return;
      this.#seen.set(data.toString('latin1', 0, 8), { socket, at: Date.now() });
      socket.write('ok\n');
    });
    socket.on('error', () => {});
  }
  get count() { return this.#seen.size; }
}
const devices = new Devices();

const app = await listen((routes) => { routes.get('/devices', async () => ({ count: devices.count })); });
const server = net.createServer({ allowHalfOpen: true }, (socket) => devices.receive(socket));
server.listen(Number(process.env.DEVICES_LISTEN), '127.0.0.1', () => {
  process.stdout.write(`{"level":30,"time":${Date.now()},"port":${server.address().port},"msg":"devices"}\n`);
  app.log.info('listening for devices');
});
