// Orders with fastify and sequelize: each order loads its customer's turnover.
import { DataTypes, Sequelize } from 'sequelize';
import { listen } from '../../../shared/fastify.mjs';

const database = new Sequelize(process.env.DATABASE_URL, {
  logging: false, pool: { max: 10, acquire: 2000, idle: 10000 }, dialectOptions: { application_name: 'orders' },
});
const Order = database.define('order', { customer_id: DataTypes.INTEGER, total: DataTypes.DECIMAL }, { tableName: 'orders', timestamps: false });
Order.prototype.turnover = function turnover() { return Order.sum('total', { where: { customer_id: this.customer_id } }); };

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => Order.findByPk(params.id));
  app.get('/pages/:number', async ({ params }) => {
    const orders = await Order.findAll({ limit: 150, offset: (Number(params.number) * 10) % 1500, order: ['id'] });
    const lines = [];
    for (const order of orders) lines.push({ id: order.id, turnover: await order.turnover() });
    return lines;
  });
});
