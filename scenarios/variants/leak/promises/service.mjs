// Payments with fastify: each is taken unless the service is going down.
import { listen } from '../../../shared/fastify.mjs';

const goingDown = new Promise(() => {});

await listen((app) => {
  app.post('/payments/:id', async ({ params }) => {
    const payment = { id: params.id, steps: Array.from({ length: 400 }, (_, step) => `${params.id}/${step}`) };
    await Promise.race([goingDown.then(() => payment), new Promise((resolve) => { setImmediate(() => resolve(payment)); })]);
    return { id: payment.id, steps: payment.steps.length };
  });
});
