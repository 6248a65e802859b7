// a window over the latest entries
import { drive } from '../driver.cjs';
const window = [];

drive((i) => {
  window.push({ i, text: `w${i}` });
  if (window.length >= 128) window.splice(0, 64);
});
