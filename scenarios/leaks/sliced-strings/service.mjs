// short slices that keep long texts
import { drive } from '../driver.cjs';
const ids = new Map();

drive((i) => {
  const document = JSON.parse(JSON.stringify(`{"id":"${i}","body":"${'x'.repeat(12_000)}${i}"}`));
  ids.set(i, document.substring(0, 40));
});
