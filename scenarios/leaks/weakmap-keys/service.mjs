// values of a WeakMap whose keys are kept elsewhere
import { drive } from '../driver.cjs';
const metadata = new WeakMap();
const registry = new Set();

class Entity { constructor(i) { this.i = i; metadata.set(this, { table: `t${i}`, columns: [i, i + 1, `c${i}`, {}] }); } }
drive((i) => { registry.add(new Entity(i)); });
