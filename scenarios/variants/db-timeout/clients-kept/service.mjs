// Orders with fastify and knex; an invoice takes a connection of its own from knex.
import knex from 'knex';
import { listen } from '../../../shared/fastify.mjs';

const database = knex({
  client: 'pg', acquireConnectionTimeout: 2000,
  connection: { connectionString: process.env.DATABASE_URL, application_name: 'orders' }, pool: { min: 0, max: 10 },
});

await listen((app) => {
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error }, 'request errored');
    reply.code(503).send({ error: 'unavailable' });
  });
  app.get('/orders/:id', async ({ params }) => database('orders').where({ id: params.id }).first('id', 'total'));
  app.get('/invoices/:id', async ({ params }) => {
    const connection = await database.client.acquireConnection();
    const order = await database('orders').connection(connection).where({ id: params.id }).first();
    if (Number(order.total) > 60) return { id: order.id, state: 'manual' };
    await database.client.releaseConnection(connection);
    return order;
  });
});
