// weak references
import { drive } from '../driver.cjs';
const views = new Map();

drive((i) => {
  views.set(i % 64, new WeakRef({ i, html: `<p>${i}</p>` }));
});
