// Pictures with fastify: the last ones of each customer, the customer being the request.
import { listen } from '../../../shared/fastify.mjs';

class Gallery {
  #pictures = new Map();
  add(customer, bytes) { this.#pictures.set(`${customer}/${this.#pictures.size}`, new Uint8Array(bytes).fill(this.#pictures.size % 250)); }
}
const gallery = new Gallery();

await listen((app) => {
  app.post('/pictures/:id', async ({ params }) => {
    gallery.add(params.id, 48 * 1024);
    return { id: params.id };
  });
});
