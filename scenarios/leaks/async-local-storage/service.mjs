// a store of the request that a long timer keeps
import { drive } from '../driver.cjs';
import { AsyncLocalStorage } from 'node:async_hooks';

const request = new AsyncLocalStorage();
function scheduleFlush() { setTimeout(() => { request.getStore(); }, 7200_000); }
drive((i) => request.run(new Map([['id', i], ['trace', `t-${i}`]]), scheduleFlush));
