// a timeout of hours per request, nothing clears it
import { drive } from '../driver.cjs';
import { promisify } from 'node:util';

const later = promisify(setTimeout);
async function expire(session) {
  await later(12 * 3600_000);
  session.valid = false;
}
drive((i) => { expire({ token: `t${i}`, valid: true }); });
