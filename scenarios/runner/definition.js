'use strict';
// scenario.json of a folder. A variant says "like": NAME and gives only what differs; paths in it
// are relative to the folder of the file in which they stand.
const fs = require('node:fs');
const path = require('node:path');

const scenarios = path.dirname(__dirname);

function read(name) {
  const folder = path.join(scenarios, name);
  const file = path.join(folder, 'scenario.json');
  if (!fs.existsSync(file)) throw new Error(`there is no scenario ${name}; see: scenarios/scenario list`);
  const own = JSON.parse(fs.readFileSync(file, 'utf8'));
  const absolute = (program) => (program.startsWith('$OUT/') ? program : path.resolve(folder, program));
  if (own.service !== undefined) own.service = absolute(own.service);
  for (const other of own.others ?? []) other.program = absolute(other.program);
  if (own.postgres?.schema !== undefined) own.postgres.schema = absolute(own.postgres.schema);
  const { like, ...rest } = own;
  return { name_of_service: 'orders', ...(like === undefined ? {} : read(like)), ...rest, folder };
}

// Every folder below scenarios/ with a scenario.json, in the order of their names.
function names(below = scenarios) {
  return fs.readdirSync(below, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .flatMap((entry) => {
      const folder = path.join(below, entry.name);
      const own = fs.existsSync(path.join(folder, 'scenario.json')) ? [path.relative(scenarios, folder)] : [];
      return [...own, ...names(folder)];
    })
    .sort();
}

module.exports = { definition: read, names };
