// Shipping with fastify: a label is sealed by a slow hash.
import { pbkdf2 } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { listen } from '../../../shared/fastify.mjs';

const derive = promisify(pbkdf2);
for (let i = 0; i < 10; i += 1) await writeFile(path.resolve(`parcel-${i}.json`), JSON.stringify({ id: i }));

await listen((app) => {
  app.get('/parcels/:id', async ({ params }) => JSON.parse(await readFile(path.resolve(`parcel-${Number(params.id) % 10}.json`), 'utf8')));
  app.post('/labels/:id', async ({ params }) => ({ seal: (await derive(params.id, 'label', 160000, 32, 'sha512')).toString('hex') }));
});
