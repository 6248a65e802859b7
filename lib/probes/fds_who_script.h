#pragma once

/// What runs inside the target for `triage fds --who`. One function is added to globalThis while it
/// is watched (Runtime.addBinding) and deleted at the end. It is called by the conditions of
/// breakpoints on the functions of Node.js that open descriptors; the conditions are always false,
/// so nothing ever pauses, and they go with the session whatever happens to triage.
namespace triage::probes::fds {

inline constexpr const char* who_binding = "__triage_fds";

/// Gives [name, function] pairs. A call is sent as JSON: [id, call, target, stack].
inline constexpr const char* who_script = R"js((() => {
  const send = globalThis.__triage_fds;
  const fs = require('fs'), net = require('net'), path = require('path'), url = require('url');
  const most = 2000;
  const ids = new WeakMap();
  let calls = 0;
  const file = (a) => typeof a === 'string' ? path.resolve(a)
    : a instanceof URL ? url.fileURLToPath(a) : Buffer.isBuffer(a) ? path.resolve(a.toString()) : '';
  const address = (args) => {
    let a = args[0];
    if (Array.isArray(a)) a = a[0];
    if (a === null || a === undefined) return '';
    if (typeof a !== 'object') return Number.isInteger(Number(a))
      ? `${typeof args[1] === 'string' ? args[1] : 'localhost'}:${a}` : String(a);
    return a.path && !a.port ? String(a.path) : `${a.host || 'localhost'}:${a.port}`;
  };
  const targets = {
    'net.connect': address, 'net.listen': address,
    'child_process.spawn': (args) => String((args[0] || {}).file || ''),
    'dgram.createSocket': (args) => String((args[0] && args[0].type) || args[0] || ''),
    'new Worker': (args) => String(args[0]),
  };
  send.sockets = () => process._getActiveHandles().map((h) => [ids.get(h), h._handle ? h._handle.fd : -1])
    .filter(([id, fd]) => id !== undefined && fd >= 0);
  send.note = (call, self, args) => {
    try {
      if (++calls > most) return;
      const limit = Error.stackTraceLimit, prepare = Error.prepareStackTrace;
      let stack;
      try {
        Error.stackTraceLimit = 40;
        Error.prepareStackTrace = undefined;
        stack = new Error().stack;
      } finally {
        Error.stackTraceLimit = limit;
        Error.prepareStackTrace = prepare;
      }
      if (call === 'net.connect' || call === 'net.listen') ids.set(self, calls);
      send(JSON.stringify([calls, call, (targets[call] || ((a) => file(a[0])))(args), stack]));
    } catch { }
  };
  send.calls = () => calls;
  return [['fs.openSync', fs.openSync], ['fs.open', fs.open], ['fs.promises.open', fs.promises.open],
    ['fs.createReadStream', fs.createReadStream], ['fs.createWriteStream', fs.createWriteStream],
    ['fs.opendir', fs.opendir], ['fs.opendirSync', fs.opendirSync], ['fs.watch', fs.watch],
    ['net.connect', net.Socket.prototype.connect], ['net.listen', net.Server.prototype.listen],
    ['dgram.createSocket', require('dgram').createSocket],
    ['child_process.spawn', require('child_process').ChildProcess.prototype.spawn],
    ['new Worker', require('worker_threads').Worker]];
})())js";

inline constexpr const char* who_sockets_script =
    "JSON.stringify([globalThis.__triage_fds.sockets(), globalThis.__triage_fds.calls()])";
inline constexpr const char* who_remove_script =
    "(delete globalThis.__triage_fds, typeof globalThis.__triage_fds)";

}  // namespace triage::probes::fds
