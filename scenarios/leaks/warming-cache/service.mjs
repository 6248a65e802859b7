// a cache of a fixed set of keys: fills slower and slower
import { drive } from '../driver.cjs';
const translations = {};
let seed = 7;

drive(() => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  const key = `text.${Math.floor((seed / 2147483648) ** 3 * 700)}`;
  translations[key] ??= { key, text: `Text of ${key}`, plural: [key] };
});
