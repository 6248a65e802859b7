// Orders behind a repository class.
import { Pool } from 'pg';
import { serve } from '../../../shared/web';

class Orders {
  readonly #pool = new Pool({ connectionString: process.env.DATABASE_URL, application_name: 'orders', max: 8, connectionTimeoutMillis: 2000, idleTimeoutMillis: 1000 });
  constructor() { this.#pool.on('error', () => {}); }
  async find(id: number) { return (await this.#pool.query('SELECT id, total FROM orders WHERE id = $1', [id])).rows[0]; }
  async pay(id: number) { return (await this.#pool.query('UPDATE orders SET total = total + 1 WHERE id = $1', [id])).rowCount; }
}

const orders = new Orders();
serve({
  'GET /orders/:id': ({ id }: { id: string }) => orders.find(Number(id)),
  'POST /payments/:id': async ({ id }: { id: string }) => ({ id, paid: await orders.pay(Number(id)) }),
});
