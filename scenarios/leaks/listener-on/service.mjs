// a listener per request, never removed
import { drive } from '../driver.cjs';
import { EventEmitter } from 'node:events';

class PriceFeed extends EventEmitter {}
const feed = new PriceFeed();
feed.setMaxListeners(0);

class Watcher {
  constructor(i) { this.symbol = `S${i}`; this.last = 0; }
  start() { feed.on('tick', (price) => { this.last = price; }); }
}
drive((i) => { new Watcher(i).start(); });
