// a plain object used as a cache
import { drive } from '../driver.cjs';
class Templates {
  static compiled = Object.create(null);
  static get(name) {
    Templates.compiled[name] ??= { name, parts: [name, name.length], uses: 0 };
    return Templates.compiled[name];
  }
}
drive((i) => { Templates.get(`mail-${i}`).uses += 1; });
