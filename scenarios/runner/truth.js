'use strict';
// truth.yaml of a scenario, as far as benchmarks and tests need it: one "key: value" a line. What a
// variant's file leaves out stands in the file of the scenario that it is like.
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const scenarios = path.dirname(__dirname);

function fields(name) {
  const text = fs.readFileSync(path.join(scenarios, name, 'truth.yaml'), 'utf8');
  const own = {};
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+):\s*([^#]*?)\s*(#.*)?$/.exec(line);
    if (match) own[match[1]] = match[2];
  }
  return own.like === undefined ? own : { ...fields(own.like), ...own };
}

const list = (text) => (text ?? '').replace(/^\[|\]$/g, '').split(',').map((each) => each.trim()).filter(Boolean);

// Which variants are kept out of the fitting: a third, by their names, so that nobody picks.
function isKeptOut(name) {
  return crypto.createHash('sha256').update(name).digest().readUInt32BE(0) % 3 === 0;
}

function truthOf(name) {
  const own = fields(name);
  const set = name.startsWith('variants/') ? (own.kept_out === 'true' ? 'kept out' : 'variant')
    : name.startsWith('double/') ? 'double' : 'incident';
  return { name, said: own.scenario, set, family: own.runbook, runbook: own.runbook, causes: own.causes ? list(own.causes) : [own.cause], accept: list(own.accept),
    exit: Number(own.exit), needs_slope: own.needs_slope === 'true', kept_out: own.kept_out === 'true' };
}

module.exports = { isKeptOut, truthOf };
