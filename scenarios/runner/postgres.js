'use strict';
// A PostgreSQL cluster of the scenario's own: in its directory, on a free port of the loopback, as a
// user without privileges. Roles: app (the service) and triage (pg_monitor).
const fs = require('node:fs');
const path = require('node:path');
const { freePort, run, start, stop, until } = require('./processes');

const versions = '/usr/lib/postgresql';

function binaries() {
  const found = fs.existsSync(versions)
    ? fs.readdirSync(versions).filter((name) => fs.existsSync(path.join(versions, name, 'bin/initdb')))
    : [];
  if (found.length === 0) throw new Error('PostgreSQL is missing: cmake/install-packages scenario');
  return path.join(versions, found.sort((a, b) => b - a)[0], 'bin');
}

// initdb refuses root: then the cluster belongs to the user postgres of the Debian package.
function clusterUser() {
  if (process.getuid() !== 0) return {};
  const line = fs.readFileSync('/etc/passwd', 'utf8').split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  if (line === undefined) throw new Error('no user postgres: cmake/install-packages scenario');
  const fields = line.split(':');
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

function sql(cluster, text, variables = {}) {
  const names = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  return run(path.join(cluster.binaries, 'psql'),
    ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...names, '-h', cluster.directory, '-p', `${cluster.port}`,
      '-U', 'postgres', '-d', 'orders'],
    { input: text, ...cluster.user }).trim();
}

function makeTemplate(cluster, template) {
  const unfinished = `${template}.${process.pid}`;
  fs.mkdirSync(unfinished, { mode: 0o700 });
  if (cluster.user.uid !== undefined) fs.chownSync(unfinished, cluster.user.uid, cluster.user.gid);
  run(path.join(cluster.binaries, 'initdb'),
    ['-D', unfinished, '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256', '--no-sync', '-E', 'UTF8'],
    { ...cluster.user, cwd: cluster.directory });
  fs.renameSync(unfinished, template);
}

async function startPostgres(directory, { settings = {}, schema, variables }) {
  const user = clusterUser();
  const cluster = { binaries: binaries(), directory, port: await freePort(), user };
  fs.mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (user.uid !== undefined) fs.chownSync(directory, user.uid, user.gid);
  const data = path.join(directory, 'data');
  // initdb takes seconds: it runs once for all scenarios below the same root.
  const template = path.join(path.dirname(path.dirname(directory)), 'empty-cluster');
  if (!fs.existsSync(template)) makeTemplate(cluster, template);
  run('cp', ['-a', template, data]);
  const all = { listen_addresses: '127.0.0.1', port: cluster.port, unix_socket_directories: directory,
    fsync: 'off', jit: 'off', max_parallel_workers_per_gather: 0, ...settings };
  fs.appendFileSync(path.join(data, 'postgresql.conf'),
    Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`).join(''));
  cluster.process = await start(path.join(cluster.binaries, 'postgres'), ['-D', data],
    { user, cwd: directory, logFile: path.join(directory, 'postgres.log') });
  const psql = (database, input) => run(path.join(cluster.binaries, 'psql'),
    ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', directory, '-p', `${cluster.port}`, '-U', 'postgres', '-d', database],
    { input, ...user });
  await until(() => {
    try {
      return psql('postgres', 'SELECT 1').trim() === '1';
    } catch {
      return false;
    }
  }, 30, 'an answer of PostgreSQL');
  psql('postgres', 'CREATE DATABASE orders');
  psql('orders', "CREATE ROLE app LOGIN PASSWORD 'app'; CREATE ROLE triage LOGIN PASSWORD 'triage'; GRANT pg_monitor TO triage");
  if (schema) sql(cluster, fs.readFileSync(schema, 'utf8'), variables);
  return cluster;
}

function uri(cluster, role) {
  return `postgresql://${role}:${role}@127.0.0.1:${cluster.port}/orders`;
}

// A fast shutdown (SIGINT) ends the sessions too; nothing here is worth waiting for.
async function stopPostgres(cluster) {
  if (cluster?.process) await stop(cluster.process, 'SIGINT');
}

module.exports = { sql, startPostgres, stopPostgres, uri };
