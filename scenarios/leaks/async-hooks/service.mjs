// a table by async id without a destroy hook
import { drive } from '../driver.cjs';
import { createHook, executionAsyncId } from 'node:async_hooks';

const contexts = {};
createHook({
  init(asyncId) { contexts[`a${asyncId}`] = { parent: executionAsyncId(), data: [asyncId] }; },
}).enable();
drive(async (i) => { await new Promise((resolve) => { setImmediate(resolve); }); return i; });
