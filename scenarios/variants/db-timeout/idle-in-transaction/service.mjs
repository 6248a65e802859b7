// Orders with fastify and sequelize; a booking is charged inside its transaction.
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
  app.post('/bookings/:id', async ({ params }) => database.transaction(async (transaction) => {
    const order = await Order.findByPk(params.id, { transaction });
    const answer = await fetch(`${process.env.BANK_URL}/charges`, { method: 'POST', body: JSON.stringify(order) });
    return answer.json();
  }));
});
