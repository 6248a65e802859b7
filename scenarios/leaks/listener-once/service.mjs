// once() for an event that never comes
import { drive } from '../driver.cjs';
import { EventEmitter } from 'node:events';

const app = { hub: new EventEmitter() };
app.hub.setMaxListeners(0);
globalThis.app = app;

drive(async (i) => {
  const job = { id: i, state: 'waiting', payload: `p${i}` };
  app.hub.once('drained', () => { job.state = 'done'; });
});
