// a cache with a limit: full after a while
import { drive } from '../driver.cjs';
class Lru {
  constructor(limit) { this.limit = limit; this.map = new Map(); }
  put(key, value) {
    this.map.delete(key);
    this.map.set(key, value);
    if (this.map.size > this.limit) this.map.delete(this.map.keys().next().value);
  }
}
const cache = new Lru(1200);
drive((i) => { cache.put(`k${i}`, { i, data: [i, i] }); });
