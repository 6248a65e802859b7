// Checkout: the payment service behind a client class.
import { request } from 'undici';
import { serve } from '../../../shared/web';

class Payments {
  #base: string;
  constructor(base: string) { this.#base = base; }
  async charge(order: number): Promise<object> {
    const { body } = await request(`${this.#base}/charges`, { method: 'POST', body: JSON.stringify({ order }) });
    return await body.json() as object;
  }
}

const payments = new Payments(process.env.PAYMENTS_URL ?? '');
serve({
  'GET /orders/:id': ({ id }: { id: string }) => ({ id: Number(id), total: 12.5 }),
  'POST /checkout/:id': async ({ id }: { id: string }) => ({ order: id, ...(await payments.charge(Number(id))) }),
});
