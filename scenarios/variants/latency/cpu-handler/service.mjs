// Parcels: which articles fill a box best.
import { listen } from '../../../shared/fastify.mjs';

class Packer {
  #weights;
  constructor(weights) { this.#weights = weights; }
  #fill(position, room) {
    if (position === this.#weights.length || room <= 0) return 0;
    const without = this.#fill(position + 1, room);
    const weight = this.#weights[position];
    return weight > room ? without : Math.max(without, weight + this.#fill(position + 1, room - weight));
  }
  pack(room) { return this.#fill(0, room); }
}

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), total: 12.5 }));
  app.get('/recommendations/:id', async ({ params }) => {
    const packer = new Packer(Array.from({ length: 22 }, (_, i) => 3 + ((i * 7 + Number(params.id)) % 11)));
    return { best: packer.pack(130) };
  });
});
