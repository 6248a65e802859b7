// Imports: steps that are run when the batch is taken over.
import { serve } from '../../../shared/web';

class Batch {
  private readonly steps: Array<() => number> = [];
  add(id: number): number {
    const rows = Array.from({ length: 500 }, (_, row) => `${id};${row};new`);
    this.steps.push(() => rows.reduce((sum, row) => sum + row.length, 0));
    return rows.length;
  }
}

const batch = new Batch();
serve({ 'POST /imports/:id': ({ id }: { id: string }) => ({ id, accepted: batch.add(Number(id)) }) });
