// a list of promises that never settle
import { drive } from '../driver.cjs';
const tracker = { open: new Set() };

drive((i) => {
  const work = new Promise(() => {}).then(() => `result ${i}`);
  tracker.open.add(work);
});
