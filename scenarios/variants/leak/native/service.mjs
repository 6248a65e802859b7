// Pictures with fastify: what a picture would be when packed.
import { createDeflate } from 'node:zlib';
import { listen } from '../../../shared/fastify.mjs';

const packers = new Set();

await listen((app) => {
  app.post('/pictures/:id', async ({ params }) => {
    const packer = createDeflate({ level: 9, memLevel: 9 });
    packers.add(packer);
    packer.write(Buffer.alloc(4096, Number(params.id) % 250));
    return { id: params.id };
  });
});
