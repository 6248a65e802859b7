// Orders with fastify: each wants to be told before the process ends.
import { listen } from '../../../shared/fastify.mjs';

process.setMaxListeners(0);

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => {
    const draft = { id: params.id, lines: Array.from({ length: 400 }, (_, line) => `${params.id}-${line}`), saved: false };
    process.once('beforeExit', () => { draft.saved = true; });
    return { id: draft.id, lines: draft.lines.length };
  });
});
