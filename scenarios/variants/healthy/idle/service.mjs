// An order service with fastify that hardly anybody asks.
import { listen } from '../../../shared/fastify.mjs';

const orders = new Map(Array.from({ length: 3000 }, (_, id) => [id, { id, total: id * 1.25 }]));
setInterval(() => { orders.get(0).total += 1; }, 1000);
await listen((app) => { app.get('/orders/:id', async ({ params }) => orders.get(Number(params.id))); });
