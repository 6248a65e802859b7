// An order service under an ordinary load, in classes.
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { body, serve } from '../../../shared/web';

interface Order { id: number; total: number; lines: number[] }

class Orders {
  #orders = new Map<number, Order>(Array.from({ length: 3000 }, (_, id) => [id, { id, total: id * 1.25, lines: [id, id + 1] }]));
  find(id: number) { return this.#orders.get(id); }
  async book(order: Order) {
    this.#orders.set(order.id, order);
    await fs.appendFile(path.resolve('bookings.txt'), `${order.id}\n`);
    return { booked: order.id };
  }
  monthly() {
    const months: Record<number, number> = {};
    for (const { id, total } of this.#orders.values()) months[id % 12] = (months[id % 12] ?? 0) + total;
    return months;
  }
}

const orders = new Orders();
serve({
  'GET /orders/:id': ({ id }: { id: string }) => orders.find(Number(id)),
  'POST /orders': async (_: unknown, request: unknown) => orders.book(JSON.parse(String(await body(request)))),
  'GET /reports/monthly': () => orders.monthly(),
  'GET /stock/:id': async ({ id }: { id: string }) => (await fetch(`${process.env.INVENTORY_URL}/stock/${id}`)).json(),
});
