// Accounts with fastify.
import { randomBytes, scryptSync } from 'node:crypto';
import { listen } from '../../../shared/fastify.mjs';

class Credentials {
  #salt = randomBytes(16);
  matches(password) { return scryptSync(password, this.#salt, 64, { N: 32768, r: 8, maxmem: 1 << 27 }).length === 64; }
}
const credentials = new Credentials();

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), total: 12.5 }));
  app.post('/login', async ({ body }) => ({ name: body.name, welcome: credentials.matches(body.password) }));
});
