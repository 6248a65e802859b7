// a Map that is only ever filled
import { drive } from '../driver.cjs';
class Repository {
  #rows = new Map();
  find(key) {
    let row = this.#rows.get(key);
    if (!row) { row = { key, at: new Date(), value: { text: `row ${key}` } }; this.#rows.set(key, row); }
    return row;
  }
}
const repository = new Repository();
drive((i) => { repository.find(`k:${i}`); });
