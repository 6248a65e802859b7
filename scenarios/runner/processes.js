'use strict';
// Processes of a scenario: started detached with their output in a file, ended by the pid and start
// time that were written down, so that a pid which the kernel gave to somebody else is left alone.
const fs = require('node:fs');
const net = require('node:net');
const { spawn, spawnSync } = require('node:child_process');

// A port that nobody listens on at this moment.
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Field 22 of /proc/<pid>/stat (proc(5)), in clock ticks since boot; null when it is gone.
function startTime(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : fields[19];
  } catch {
    return null;
  }
}

function start(command, args, { env, user, logFile, cwd }) {
  const log = fs.openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd,
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
    ...user,
  });
  fs.closeSync(log);
  child.unref();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('spawn', () => resolve({ pid: child.pid, start: startTime(child.pid) }));
  });
}

function isRunning(handle) {
  return handle.start !== null && startTime(handle.pid) === handle.start;
}

async function until(condition, seconds, what) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

async function stop(handle, signal = 'SIGTERM') {
  if (!isRunning(handle)) return;
  process.kill(handle.pid, signal);
  try {
    await until(() => !isRunning(handle), 10, `the end of pid ${handle.pid}`);
  } catch {
    if (isRunning(handle)) process.kill(handle.pid, 'SIGKILL');
  }
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${command}: ${(result.stderr || result.stdout).trim()}`);
  return result.stdout;
}

module.exports = { freePort, isRunning, run, start, stop, until };
