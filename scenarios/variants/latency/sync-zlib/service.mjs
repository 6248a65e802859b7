// Reports with fastify: a month as a packed document.
import { brotliCompressSync, constants } from 'node:zlib';
import { listen } from '../../../shared/fastify.mjs';

const bookings = Array.from({ length: 6000 }, (_, i) => ({ i, customer: `customer-${(i * 7919) % 5000}`, amount: ((i * 37) % 10000) / 100 }));
const pack = (value) => brotliCompressSync(Buffer.from(JSON.stringify(value)), { params: { [constants.BROTLI_PARAM_QUALITY]: 8 } });

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => bookings[Number(params.id)]);
  app.get('/reports/:month', async ({ params }) => ({ month: params.month, bytes: pack(bookings).length }));
});
