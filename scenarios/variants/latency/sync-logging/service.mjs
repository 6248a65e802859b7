// Orders with fastify and an audit log that is on the disk before anybody gets an answer.
import { appendFileSync } from 'node:fs';
import { listen } from '../../../shared/fastify.mjs';

class AuditLog {
  #file = 'audit.log';
  write(event, order) {
    appendFileSync(this.#file, `${JSON.stringify({ time: new Date(), event, order })}\n`, { flush: true });
  }
}
const audit = new AuditLog();

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), total: 12.5 }));
  app.post('/orders/:id', async ({ params }) => {
    for (let line = 0; line < 12; line += 1) audit.write('reserved', { id: params.id, line });
    return { id: params.id };
  });
});
