// Orders with fastify and sequelize; each is priced by a function of the database.
import { QueryTypes, Sequelize } from 'sequelize';
import { listen } from '../../../shared/fastify.mjs';

const database = new Sequelize(process.env.DATABASE_URL, {
  logging: false, pool: { max: 2, acquire: 2000, idle: 10000 }, dialectOptions: { application_name: 'orders' },
});

await listen((app) => {
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error }, 'request errored');
    reply.code(503).send({ error: 'unavailable' });
  });
  app.get('/orders/:id', async ({ params }) => {
    const [order] = await database.query('SELECT id, total, pg_sleep(0.05)::text FROM orders WHERE id = $1', { bind: [params.id], type: QueryTypes.SELECT });
    return { id: order.id, total: order.total };
  });
});
