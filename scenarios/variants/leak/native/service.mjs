// Pictures with fastify: a class around the image library.
import { createRequire } from 'node:module';
import path from 'node:path';
import { listen } from '../../../shared/fastify.mjs';

class Thumbnails {
  #library = createRequire(import.meta.url)(path.join(process.env.OUT, 'thumbnail.node'));
  #picture = new Uint8Array(64 * 1024).fill(9);
  make() { return this.#library.thumbnail(Buffer.from(this.#picture.buffer)); }
}
const thumbnails = new Thumbnails();

await listen((app) => {
  app.post('/pictures/:id', async ({ params }) => ({ id: params.id, thumbnail: thumbnails.make() }));
});
