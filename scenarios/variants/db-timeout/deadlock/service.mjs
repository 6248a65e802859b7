// Accounts with fastify and knex.
import knex from 'knex';
import { listen } from '../../../shared/fastify.mjs';

const database = knex({
  client: 'pg', acquireConnectionTimeout: 2000,
  connection: { connectionString: process.env.DATABASE_URL, application_name: 'orders' }, pool: { min: 0, max: 10 },
});

async function transfer(from, to) {
  await database.transaction(async (transaction) => {
    await transaction('orders').where({ id: from }).decrement('total', 1);
    await new Promise((resolve) => { setTimeout(resolve, 60); });
    await transaction('orders').where({ id: to }).increment('total', 1);
  });
  return { from, to };
}

await listen((app) => {
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error }, 'request errored');
    reply.code(503).send({ error: 'unavailable' });
  });
  app.get('/orders/:id', async ({ params }) => database('orders').where({ id: params.id }).first('id', 'total'));
  app.post('/transfers/:id', async ({ params }) => (Number(params.id) % 2 === 0 ? transfer(1, 2) : transfer(2, 1)));
});
