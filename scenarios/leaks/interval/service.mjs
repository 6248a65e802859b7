// an interval per request, never cleared
import { drive } from '../driver.cjs';
function watch(order) {
  const check = setInterval(() => {
    if (order.paid) clearInterval(check);
  }, 600_000);
  check.unref();
}
drive((i) => { watch({ id: i, paid: false, lines: [`sku${i}`] }); });
