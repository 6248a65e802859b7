// Orders with fastify and a checksum for each.
import { createHash } from 'node:crypto';
import { listen } from '../../../shared/fastify.mjs';

function checksum(text) {
  let sum = text;
  for (let round = 0; round < 300; round += 1) sum = createHash('md5').update(sum).digest('base64');
  return sum;
}

await listen((app) => {
  app.get('/orders/:id', async ({ params }) => ({ id: Number(params.id), checksum: checksum(params.id) }));
});
