// Newsletter: an address is checked before it is kept.
import { serve } from '../../../shared/web';

interface Subscription { address: string; since: number }

class Newsletter {
  private readonly subscriptions: Subscription[] = [];
  private static readonly address = /^(([a-z0-9])+.?)+@([a-z]+\.)+[a-z]+$/;

  private looksValid(address: string): boolean {
    return Newsletter.address.test(address);
  }

  subscribe(address: string): Subscription | { status: number; body: object } {
    if (!this.looksValid(address)) return { status: 400, body: { error: 'no address' } };
    const subscription = { address, since: Date.now() };
    if (this.subscriptions.push(subscription) > 100) this.subscriptions.shift();
    return subscription;
  }
}

const newsletter = new Newsletter();
serve({
  'GET /products/:id': ({ id }: { id: string }) => ({ id }),
  'POST /subscriptions/:address': ({ address }: { address: string }) => newsletter.subscribe(address),
});
