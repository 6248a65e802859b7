// Orders: each answer is signed.
import { createHmac } from 'node:crypto';
import { serve } from '../../../shared/web';

class Signer {
  #key = 'orders';
  sign(text: string): string {
    let signature = text;
    for (let round = 0; round < 350; round += 1) signature = createHmac('sha256', this.#key).update(signature).digest('hex');
    return signature;
  }
}

const signer = new Signer();
serve({ 'GET /orders/:id': ({ id }: { id: string }) => ({ id, signature: signer.sign(id) }) });
