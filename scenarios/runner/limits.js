'use strict';
// What a scenario takes from its processes: descriptors, CPUs to run on, a share of CPU time.
const fs = require('node:fs');
const path = require('node:path');

// The command line that starts `command` under these limits; the pid stays that of the command.
function limited(command, args, { nofile, cpus, nice } = {}) {
  let line = [command, ...args];
  if (nofile !== undefined) line = ['prlimit', `--nofile=${nofile}:${nofile}`, ...line];
  if (cpus !== undefined) line = ['taskset', '-c', `${cpus}`, ...line];
  if (nice !== undefined) line = ['nice', '-n', `${nice}`, ...line];
  return [line[0], line.slice(1)];
}

// A group of the cpu controller with `share` CPUs (0.2: 20 ms of each 100 ms), as a container's
// limit is; returns its directory. Needs root and a cgroup file system that can be written.
function makeQuota(name, share) {
  const version1 = fs.existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const directory = path.join(version1 ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup', name);
  try {
    if (!version1) fs.writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+cpu');
    fs.mkdirSync(directory, { recursive: true });
    const quota = Math.round(share * 100000);
    if (version1) {
      fs.writeFileSync(path.join(directory, 'cpu.cfs_period_us'), '100000');
      fs.writeFileSync(path.join(directory, 'cpu.cfs_quota_us'), `${quota}`);
    } else {
      fs.writeFileSync(path.join(directory, 'cpu.max'), `${quota} 100000`);
    }
  } catch (error) {
    throw new Error(`a CPU quota needs root and a cgroup file system to write to: ${error.message}`);
  }
  return directory;
}

function enterQuota(directory, pid) {
  fs.writeFileSync(path.join(directory, 'cgroup.procs'), `${pid}`);
}

function removeQuota(directory) {
  try {
    fs.rmdirSync(directory);
  } catch {
    // somebody is still in it, or it is gone: nothing that matters to the next start
  }
}

module.exports = { enterQuota, limited, makeQuota, removeQuota };
