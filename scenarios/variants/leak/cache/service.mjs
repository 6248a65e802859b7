// Search with fastify: answers are remembered by the whole address.
import { listen } from '../../../shared/fastify.mjs';

class Remembered {
  #answers = Object.create(null);
  #asked = 0;
  answer(query) {
    const key = `${query}?t=${this.#asked += 1}`;
    return this.#answers[key] ??= Array.from({ length: 200 }, (_, i) => ({ title: `${query} ${i}`, score: i / this.#asked }));
  }
}
const remembered = new Remembered();

await listen((app) => {
  app.get('/search/:query', async ({ params }) => ({ query: params.query, found: remembered.answer(params.query).length }));
});
