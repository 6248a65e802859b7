// a Set that is only ever filled
import { drive } from '../driver.cjs';
class Deduplicator {
  constructor() { this.requests = new Set(); }
  accept(request) { this.requests.add(request); return true; }
}
export const deduplicator = new Deduplicator();
class Request { constructor(i) { this.url = `/items/${i}`; this.headers = { id: i }; } }
drive((i) => deduplicator.accept(new Request(i)));
