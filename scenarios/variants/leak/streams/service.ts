// Exports: a stream for each, kept until the customer fetches it.
import { Readable } from 'node:stream';
import { serve } from '../../../shared/web';

class Exports {
  #open: Readable[] = [];
  prepare(id: number): number {
    const stream = new Readable({ read() {}, highWaterMark: 1 << 20 });
    for (let row = 0; row < 30; row += 1) stream.push(`${id};${row};${'y'.repeat(400)}\n`);
    this.#open.push(stream);
    return stream.readableLength;
  }
}

const exportsOfToday = new Exports();
serve({ 'POST /exports/:id': ({ id }: { id: string }) => ({ id, bytes: exportsOfToday.prepare(Number(id)) }) });
