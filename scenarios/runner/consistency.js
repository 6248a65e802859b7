'use strict';
// What every scenario owes: a service that exists, checks, a truth, and a variant in another code
// shape that is kept out of the fitting exactly when its name says so.
const fs = require('node:fs');
const path = require('node:path');
const { definition, names } = require('./definition');
const { isKeptOut, truthOf } = require('./truth');

function faultsOf(name, all) {
  const faults = [];
  const scenario = definition(name);
  const truth = truthOf(name);
  const files = [scenario.service, ...(scenario.others ?? []).map(({ program }) => program)];
  for (const file of files) if (!file.startsWith('$OUT/') && !fs.existsSync(file)) faults.push(`${file} is missing`);
  if (!(scenario.steady_when?.length > 0)) faults.push('steady_when is empty');
  if (!(scenario.verify?.length > 0)) faults.push('verify is empty');
  if (!(truth.causes[0]?.length > 0)) faults.push('truth.yaml names no cause');
  if (truth.said !== name) faults.push(`truth.yaml is about ${truth.said}`);
  if (truth.set === 'double' && truth.causes.length !== 2) faults.push('two causes are wanted');
  if (name.startsWith('variants/')) {
    if (truth.kept_out !== isKeptOut(name)) faults.push(`kept_out has to be ${isKeptOut(name)}`);
    if (!all.includes(name.slice('variants/'.length))) faults.push('it is a variant of nothing');
  } else if (truth.set === 'incident' && !all.includes(path.join('variants', name))) {
    faults.push('it has no variant');
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

const faults = () => names().flatMap((name, _, all) => faultsOf(name, all));

module.exports = { faults };
