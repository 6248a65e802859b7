'use strict';
// What can be measured about a running scenario by other means than triage; each gives a number.
//   {"log": TEXT}                  how often TEXT (A|B: either) stands in the service's log ("of": NAME, another's)
//   {"sql": STATEMENT}             what it returns, asked as the superuser
//   {"client": PATH, "value": V}   what the load's clients saw in the last "last_s" (default 10) seconds:
//                                  p50_ms, p99_ms, max_ms, failed_ratio, answered_per_s
//   {"shell": COMMAND}             the number it prints; PID, PORT, LOG, DIR and the pid of each other
//                                  process (PAYMENTS_PID) are set
//   {"profile": REGEX}             share of the busy time in which a function of that name was on the
//                                  stack, as Node.js's own CPU profiler says (takes 3 s, by the inspector)
//   {"heap_growth_kib": S}         growth of V8's used heap between two full collections S seconds apart, by
//                                  the inspector; "after_s": not before that many seconds of load
//   {"seconds": N}                 seconds since the load began
const fs = require('node:fs');
const path = require('node:path');
const postgres = require('./postgres');
const { run, until } = require('./processes');
const { heapGrowth, profileShare } = require('./profile');

function countInFile(file, text) {
  const found = fs.readFileSync(file, 'utf8');
  return text.split('|').reduce((sum, each) => sum + found.split(each).length - 1, 0);
}

function quantile(sorted, q) {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function clientView(state, { client, value, last_s: seconds = 10 }) {
  const rows = fs.readFileSync(state.loadLog, 'utf8').split('\n').filter((line) => line.startsWith('{')).slice(-seconds)
    .map((line) => JSON.parse(line).routes[client]).filter(Boolean);
  const times = rows.flatMap((row) => row.times_ms).sort((a, b) => a - b);
  const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
  const values = {
    p50_ms: quantile(times, 0.5),
    p99_ms: quantile(times, 0.99),
    max_ms: times.at(-1) ?? 0,
    failed_ratio: sum('failed') / Math.max(1, sum('asked')),
    answered_per_s: times.length / seconds,
  };
  if (values[value] === undefined) throw new Error(`the load does not know ${value}`);
  return values[value];
}

function shell(state, command) {
  const env = { ...process.env, PID: `${state.service.pid}`, PORT: `${state.port}`, LOG: state.log, DIR: path.dirname(state.log) };
  for (const { name, handle } of state.others) env[`${name.toUpperCase()}_PID`] = `${handle.pid}`;
  return Number(run('/bin/bash', ['-c', command], { env }).trim());
}

async function measure(state, check) {
  if (check.sql !== undefined) return Number(postgres.sql(state.cluster, check.sql));
  if (check.log !== undefined) {
    return countInFile(check.of ? path.join(path.dirname(state.log), `${check.of}.log`) : state.log, check.log);
  }
  if (check.client !== undefined) return clientView(state, check);
  if (check.shell !== undefined) return shell(state, check.shell);
  if (check.profile !== undefined) return profileShare(state.service.pid, state.log, new RegExp(check.profile));
  if (check.heap_growth_kib !== undefined) {
    const warm = () => Date.now() - state.loadSince >= (check.after_s ?? 0) * 1000;
    await until(warm, 600, 'a warm service');
    return heapGrowth(state.service.pid, state.log, check.heap_growth_kib);
  }
  if (check.seconds !== undefined) return (Date.now() - state.loadSince) / 1000;
  throw new Error(`not a check: ${JSON.stringify(check)}`);
}

function holds(check, value) {
  const least = check.at_least ?? check.count ?? check.seconds ?? -Infinity;
  return value >= least && value <= (check.at_most ?? Infinity);
}

module.exports = { countInFile, holds, measure };
