// Orders with fastify and knex.
import knex from 'knex';
import { listen } from '../../../shared/fastify.mjs';

const database = knex({
  client: 'pg', acquireConnectionTimeout: 2000,
  connection: { connectionString: process.env.DATABASE_URL, application_name: 'orders' }, pool: { min: 0, max: 10 },
});

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => database('orders').where({ id: params.id }).first());
  app.get('/customers/:id', async ({ params }) => database('orders').whereRaw('id % 500 = ?', [params.id % 500]).limit(20));
  app.get('/reports/monthly', async () => database('orders').groupByRaw('1').select(database.raw("date_trunc('month', created_at) AS month, sum(total)")));
});
