// Product pages with fastify, each made once.
import { listen } from '../../../shared/fastify.mjs';

class Pages {
  #made = new Map();
  #asked = 0;
  next() {
    const turn = ((this.#asked += 1) * 7919) % 1000;
    const product = Math.floor((turn * turn) / 1500);
    if (!this.#made.has(product)) this.#made.set(product, Array.from({ length: 250 }, (_, line) => `${product}/${line}/${'z'.repeat(20)}`));
    return this.#made.get(product).length;
  }
}
const pages = new Pages();

await listen((app) => { app.get('/pages/:id', async () => ({ lines: pages.next() })); });
