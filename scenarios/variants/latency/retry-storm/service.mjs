// Basket with fastify: what fails is tried again by a wrapper.
import { request } from 'undici';
import { listen } from '../../../shared/fastify.mjs';

let journal;
async function persistently(times, what) {
  try {
    return await what();
  } catch (error) {
    if (times === 1) throw error;
    journal.warn({ left: times - 1, err: { message: error.message } }, 'inventory: trying again');
    return persistently(times - 1, what);
  }
}

async function stock(id) {
  const { statusCode, body } = await request(`${process.env.INVENTORY_URL}/stock/${id}`);
  const answer = await body.json();
  if (statusCode >= 500) throw new Error(`inventory answered ${statusCode}`);
  return answer;
}

await listen((app) => {
  journal = app.log;
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), total: 12.5 }));
  app.get('/baskets/:id', async ({ params }) => persistently(12, () => stock(params.id)));
});
