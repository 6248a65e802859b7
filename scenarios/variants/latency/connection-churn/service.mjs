// Offers with fastify: a client of undici for each rate.
import { Client } from 'undici';
import { listen } from '../../../shared/fastify.mjs';

async function rate(id) {
  const client = new Client(`https://127.0.0.1:${process.env.RATES_PORT}`, { connect: { rejectUnauthorized: false, maxCachedSessions: 0 } });
  try {
    const { body } = await client.request({ path: `/rates/${id}`, method: 'GET' });
    return (await body.json()).rate;
  } finally {
    await client.close();
  }
}

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), total: 12.5 }));
  app.get('/offers/:id', async ({ params }) => {
    const rates = await Promise.all(Array.from({ length: 20 }, (_, line) => rate(Number(params.id) * 20 + line)));
    return { offer: params.id, total: rates.reduce((sum, each) => sum + each, 0) };
  });
});
