'use strict';
// Node.js's own CPU profiler on a running service, by its inspector: the evidence that the tests
// believe when they ask where the time goes. The inspector is closed again afterwards.
const fs = require('node:fs');
const { until } = require('./processes');

const seconds = (count) => new Promise((resolve) => { setTimeout(resolve, count * 1000); });

// The address that the process prints when SIGUSR1 opens its inspector. Its port is one for the whole
// machine: while another process has it, this waits.
async function openInspector(pid, log, tries = 10) {
  const before = fs.statSync(log).size;
  const said = () => fs.readFileSync(log).subarray(before).toString('utf8');
  process.kill(pid, 'SIGUSR1');
  await until(() => /Debugger listening on|Starting inspector on .* failed/.test(said()), 20, 'an open inspector');
  const address = /Debugger listening on (ws:\S+)/.exec(said());
  if (address === null && tries > 1) {
    await seconds(3);
    return openInspector(pid, log, tries - 1);
  }
  if (address === null) throw new Error('the inspector could not be opened: port 9229 is taken by another process');
  return address[1];
}

function connect(address) {
  const { WebSocket } = require('undici');
  const socket = new WebSocket(address);
  const waiting = new Map();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(data);
    waiting.get(answer.id)?.(answer.result);
    waiting.delete(answer.id);
  });
  const ask = (method, params = {}) => new Promise((resolve) => {
    last += 1;
    waiting.set(last, resolve);
    socket.send(JSON.stringify({ id: last, method, params }));
  });
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve({ ask, close: () => socket.close() }));
    socket.addEventListener('error', () => reject(new Error('the inspector refused the connection')));
  });
}

// Share of the samples that are not idle in whose stack (or own native frame) `name` matches.
function share(profile, name) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  for (const node of profile.nodes) for (const child of node.children ?? []) nodes.get(child).parent = node;
  const text = ({ callFrame }) => `${callFrame.functionName} ${callFrame.url}`;
  let busy = 0;
  let matched = 0;
  profile.samples.forEach((id, index) => {
    const spent = profile.timeDeltas[index];
    let node = nodes.get(id);
    if (['(idle)', '(program)', '(root)'].includes(node.callFrame.functionName)) return;
    busy += spent;
    while (node && !name.test(text(node))) node = node.parent;
    if (node) matched += spent;
  });
  return busy === 0 ? 0 : Math.round((matched / busy) * 100) / 100;
}

async function withInspector(pid, log, work) {
  const { ask, close } = await connect(await openInspector(pid, log));
  try {
    return await work(ask);
  } finally {
    ask('Runtime.evaluate', { expression: 'setImmediate(() => process._debugEnd())' });
    await seconds(0.1);
    close();
  }
}

function profileShare(pid, log, name) {
  return withInspector(pid, log, async (ask) => {
    await ask('Profiler.enable');
    await ask('Profiler.start');
    await seconds(3);
    const { profile } = await ask('Profiler.stop');
    await ask('Profiler.disable');
    return share(profile, name);
  });
}

// KiB by which the used heap grows between two full collections.
function heapGrowth(pid, log, apart) {
  return withInspector(pid, log, async (ask) => {
    const used = async () => {
      await ask('HeapProfiler.collectGarbage');
      return (await ask('Runtime.getHeapUsage')).usedSize / 1024;
    };
    const before = await used();
    await seconds(apart);
    return Math.round((await used()) - before);
  });
}

module.exports = { heapGrowth, profileShare };
