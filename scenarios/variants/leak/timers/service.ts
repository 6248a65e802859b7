// Deliveries: each watches itself.
import { serve } from '../../../shared/web';

class Delivery {
  #route: string[];
  #late = false;
  constructor(id: number) {
    this.#route = Array.from({ length: 400 }, (_, stop) => `${id}:${stop}`);
    this.#watch();
  }
  #watch(): void {
    setTimeout(() => { this.#late = this.#route.length > 0; this.#watch(); }, 20000);
  }
  get stops(): number { return this.#route.length; }
}

serve({ 'GET /deliveries/:id': ({ id }: { id: string }) => ({ id, stops: new Delivery(Number(id)).stops }) });
