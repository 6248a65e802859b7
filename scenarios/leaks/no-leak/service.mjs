// work that leaves nothing behind
import { drive } from '../driver.cjs';
import { EventEmitter } from 'node:events';

const bus = new EventEmitter();
drive(async (i) => {
  const done = () => i;
  bus.on('done', done);
  await new Promise((resolve) => { setImmediate(resolve); });
  bus.emit('done');
  bus.off('done', done);
});
