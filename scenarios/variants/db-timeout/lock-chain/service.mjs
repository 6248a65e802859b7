// Orders with fastify and sequelize.
import { DataTypes, Sequelize } from 'sequelize';
import { listen } from '../../../shared/fastify.mjs';

const database = new Sequelize(process.env.DATABASE_URL, {
  logging: false, pool: { max: 10, acquire: 2000, idle: 10000 }, dialectOptions: { application_name: 'orders' },
});
const Order = database.define('order', { total: DataTypes.DECIMAL }, { tableName: 'orders', timestamps: false });

await listen((app) => {
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error }, 'request errored');
    reply.code(503).send({ error: 'unavailable' });
  });
  app.get('/orders/:id', async ({ params }) => Order.findByPk(params.id));
  app.post('/payments/:id', async ({ params }) => ({ id: params.id, paid: await Order.increment({ total: 1 }, { where: { id: params.id } }) }));
});
