// As kinds.cjs, for code in an ES module: node kinds.mjs KIND [MS|forever].
import fs from 'node:fs';

const [kind, lengthText = '80'] = process.argv.slice(2);
const length = lengthText === 'forever' ? Infinity : Number(lengthText);
const now = Date.now;
let sink = 0;

export const kinds = {
  esm: (end) => { while (now() < end) sink = (sink + 1) | 0; }, // @esm
  async topLevel(end) {
    const module = await import(`data:text/javascript,export default (f) => f()`);
    const spin = () => { while (now() < end) sink = (sink + 1) | 0; }; // @topLevel
    module.default(spin);
  },
};

function next() {
  setTimeout(async () => {
    const start = now();
    await kinds[kind](start + length);
    if (process.env.TRUTH)
      fs.appendFileSync(process.env.TRUTH, JSON.stringify({ start_ms: start, end_ms: now() }) + '\n');
    next();
  }, 150);
}

fs.writeSync(1, 'ready 0\n');
next();
