// whole Buffers kept
import { drive } from '../driver.cjs';
class FrameStore {
  constructor() { this.frames = new Map(); }
  put(key, data) { this.frames.set(key, data); }
}
const store = new FrameStore();
drive((i) => { store.put(i, new Uint8Array(20_000).fill(i & 127)); });
