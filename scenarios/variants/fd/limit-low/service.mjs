// Chat with fastify: visitors wait for news.
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { listen } from '../../../shared/fastify.mjs';

await listen((app) => {
  app.get('/news', async () => { await pause(4000); return { news: [] }; });
  app.get('/stock/:id', async ({ params }) => (await request(`${process.env.INVENTORY_URL}/stock/${params.id}`)).body.json());
});
