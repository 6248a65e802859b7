// a linked list to which something is always added
import { drive } from '../driver.cjs';
class Queue {
  constructor() { this.first = { value: null, next: null }; this.last = this.first; }
  push(value) { this.last.next = { value, next: null }; this.last = this.last.next; }
}
export const queue = new Queue();
drive((i) => { queue.push({ job: i, name: `j${i}` }); });
