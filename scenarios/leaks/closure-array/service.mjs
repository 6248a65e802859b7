// closures pushed to a list that is never drained
import { drive } from '../driver.cjs';
class Middleware {
  constructor() { this.hooks = []; }
  use(hook) { this.hooks.push(hook); }
}
const middleware = new Middleware();
drive((i) => {
  const settings = { tenant: i, flags: [`f${i}`] };
  middleware.use(function perTenant() { return settings.flags; });
});
