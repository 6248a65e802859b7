// Prices with fastify: the lines of a basket come from an async generator.
import { listen } from '../../../shared/fastify.mjs';

async function* lines(count) {
  for (let line = 0; line < count; line += 1) yield { line, price: (line % 400) / 100 };
}

async function sum(count) {
  let total = 0;
  for await (const { price } of lines(count)) total += price;
  return total;
}

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), total: 12.5 }));
  app.get('/quotes/:lines', async ({ params }) => ({ total: await sum(Number(params.lines) / 4) }));
});
