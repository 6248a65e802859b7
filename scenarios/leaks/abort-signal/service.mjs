// addEventListener per request on a signal or target that outlives it
import { drive } from '../driver.cjs';
const target = new EventTarget();
export { target };

drive((i) => {
  const view = { id: i, dirty: false, model: { i } };
  target.addEventListener('change', () => { view.dirty = true; });
});
