// Orders with fastify and knex.
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
  app.get('/orders/:id', async ({ params }) => database('orders').where({ id: params.id }).first());
  app.get('/customers/:id', async ({ params }) => database('orders').whereRaw('id % 500 = ?', [params.id % 500]).limit(20));
  app.get('/reports/monthly', async () => database('orders as o').groupByRaw('1').orderByRaw('1').select(
    database.raw("date_trunc('month', o.created_at) AS month"),
    database.raw('sum((SELECT sum(p.total) FROM orders p WHERE p.customer_id = o.customer_id AND p.created_at <= o.created_at)) AS running_total')));
});
