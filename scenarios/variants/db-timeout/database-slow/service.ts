// Orders behind a repository class: small statements, each with an index.
import { Pool } from 'pg';
import { serve } from '../../../shared/web';

class Orders {
  readonly #pool = new Pool({ connectionString: process.env.DATABASE_URL, application_name: 'orders', max: 10, connectionTimeoutMillis: 2000 });
  constructor() { this.#pool.on('error', () => {}); }
  async #one(text: string, values: unknown[]) { return (await this.#pool.query(text, values)).rows[0]; }
  async find(id: number) {
    const order = await this.#one('SELECT id, customer_id, total FROM orders WHERE id = $1', [id]);
    const neighbours = await this.#one('SELECT count(*) AS count FROM orders WHERE id BETWEEN $1 AND $2', [id, id + 10]);
    return { ...order, ...neighbours, ...(await this.customer(order.customer_id)) };
  }
  async customer(id: number) { return this.#one('SELECT sum(total) AS turnover FROM orders WHERE customer_id = $1', [id % 500]); }
}

const orders = new Orders();
serve({
  'GET /orders/:id': ({ id }: { id: string }) => orders.find(Number(id)),
  'GET /customers/:id': ({ id }: { id: string }) => orders.customer(Number(id)),
});
