// Documents: the first line of each is shown.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { serve } from '../../../shared/web';

class Documents {
  #folder = path.resolve('documents');
  #shown: fs.ReadStream[] = [];
  constructor() {
    fs.mkdirSync(this.#folder, { recursive: true });
    for (let i = 0; i < 20; i += 1) fs.writeFileSync(path.join(this.#folder, `${i}.txt`), `document ${i}\n`.repeat(10000));
  }
  firstLine(id: number): Promise<string> {
    const stream = fs.createReadStream(path.join(this.#folder, `${id % 20}.txt`), { highWaterMark: 1024 });
    this.#shown.push(stream);
    return new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.once('data', (data) => { stream.pause(); resolve(data.toString('utf8').split('\n')[0]); });
    });
  }
}

const documents = new Documents();
serve({
  'GET /documents/:id': async ({ id }: { id: string }) => ({ id, line: await documents.firstLine(Number(id)) }),
  'GET /health': () => ({ well: true }),
});
