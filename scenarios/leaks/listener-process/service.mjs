// a listener per request on an object that Node.js itself keeps
import { drive } from '../driver.cjs';
import http from 'node:http';

const upstream = new http.Agent({ keepAlive: true });
upstream.setMaxListeners(0);

function callUpstream(i) {
  const trace = { id: i, started: Date.now(), tags: ['a', `t${i}`] };
  upstream.on('free', function onFree() { trace.free = true; });
  return trace;
}
drive((i) => { callUpstream(i); });
