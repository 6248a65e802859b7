// Catalogue: whether a draft differs from what is published is asked with each keystroke.
import { serve } from '../../../shared/web';

interface Product { id: number; name: string; tags: string[]; price: { amount: number; currency: string } }

class Drafts {
  #published: Product[] = Array.from({ length: 30000 }, (_, id) => (
    { id, name: `product ${id}`, tags: ['new', `group-${id % 50}`], price: { amount: id * 1.25, currency: 'EUR' } }));
  #text = JSON.stringify(this.#published);

  changed(): boolean {
    const draft: Product[] = JSON.parse(this.#text);
    return JSON.stringify(draft) !== JSON.stringify(this.#published);
  }
  product(id: number): Product { return this.#published[id]; }
}

const drafts = new Drafts();
serve({
  'GET /products/:id': ({ id }: { id: string }) => drafts.product(Number(id)),
  'GET /drafts/:id': ({ id }: { id: string }) => ({ id, changed: drafts.changed() }),
});
