// promises whose answer never comes, kept by their resolvers
import { drive } from '../driver.cjs';
const inflight = new Map();

function send(id) {
  return new Promise((resolve, reject) => { inflight.set(id, { resolve, reject, sent: Date.now() }); });
}
drive((i) => {
  (async () => { const reply = await send(`m-${i}`); return reply.body; })();
});
