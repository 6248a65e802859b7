// Stock with fastify: positions as instances, a valuation maps and sorts them.
import { listen } from '../../../shared/fastify.mjs';

class Position {
  #quantity;
  constructor(id) { this.id = id; this.store = id % 40; this.#quantity = (id * 7919) % 97; this.note = { seen: id }; }
  worth(price) { return { id: this.id, value: price * this.#quantity, store: this.store }; }
}
const positions = Array.from({ length: 700000 }, (_, id) => new Position(id));

await listen((app) => {
  app.get('/positions/:id', async ({ params }) => positions[Number(params.id)].worth(2));
  app.get('/valuations/:store', async ({ params }) => ({
    rows: positions.filter(({ store }) => store % 5 === Number(params.store) % 5).map((one) => one.worth(3)).length,
  }));
});
