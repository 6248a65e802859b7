#pragma once

/// What runs inside the target for `triage pool --allow-inspector`: reads own data properties of
/// objects, and getters of the libraries' own queues and of net.Socket only; calls nothing of the
/// application, changes nothing. Its state is held by the inspector session and goes with it.
namespace triage::probes::pool {

/// Where a walk begins: what the event loop watches, the dispatcher of the built-in fetch, and what
/// the application's own CommonJS modules export.
inline constexpr const char* walk_roots_script = R"js((() => {
  const roots = [process._getActiveHandles(), globalThis[Symbol.for('undici.globalDispatcher.1')]];
  try {
    for (const m of Object.values(require.cache))
      if (!/node_modules/.test(m.filename)) roots.push(m.exports);
  } catch { }
  return roots.slice(0, 200);
})())js";

/// The state of a walk: `expand` follows objects and gives the functions that it met, whose scopes
/// only the inspector can open; `read` describes the pools that were found.
///
/// The edges that lead to pools, by library: pg's Connection is in the scope of its socket's
/// listeners, the Client is what its own listeners are bound to, `release` and the idle listener
/// have the pool in their scopes; mysql2's connection has `_pool`; undici's client listens with
/// functions bound to its pool; knex, sequelize, generic-pool and what wraps them are in the scopes
/// of the servers' request listeners. A scope is followed whole, an object only by such names.
inline constexpr const char* walk_state_script = R"js((() => {
  const own = (o, k) => {
    const d = Object.getOwnPropertyDescriptor(o, k);
    return d && 'value' in d ? d.value : undefined;
  };
  const symbol = (o, name) => {
    const s = Object.getOwnPropertySymbols(o).find((x) => x.description === name);
    return s && own(o, s);
  };
  const size = (v) => v == null ? 0 : typeof v === 'number' ? v
    : typeof v.size === 'number' ? v.size : typeof v.length === 'number' ? v.length : 0;
  const list = (v) => !v ? [] : Array.isArray(v) ? v : v instanceof Set ? [...v]
    : v instanceof Map ? [...v.values()] : Array.isArray(own(v, '_list')) ? own(v, '_list').filter((x) => x) : [];
  const whole = (v) => Number.isFinite(v) ? Math.trunc(v) : null;
  const where = (c) => !c ? '' : `${c.host || ''}${c.port ? ':' + c.port : ''}${c.database ? '/' + c.database : ''}`;
  const ids = new WeakMap();
  let nextId = 1;
  const idOf = (o) => { if (!ids.has(o)) ids.set(o, nextId++); return ids.get(o); };
  const firstSeen = new WeakMap();
  const seenFor = (o, mark) => {
    const before = firstSeen.get(o);
    if (!before || before.mark !== mark) firstSeen.set(o, { mark, at: Date.now() });
    return Date.now() - firstSeen.get(o).at;
  };
  const waitingFor = (queue) => {
    const head = list(queue)[0];
    return head && typeof head === 'object' || typeof head === 'function' ? seenFor(head, 0) : null;
  };
  const portOf = (stream) => {
    try { return whole(stream && stream.localPort); } catch { return null; }
  };
  const client = (c, since) => {
    if (!c || typeof c !== 'object') return { id: 0, pid: null, port: null, text: '', tx: '', held: null, exact: false, uses: 0 };
    const command = own(c, '_activeQuery') || own(c, '_command');
    const parameters = own(c, 'connection');
    const uses = own(c, '_poolUseCount') || 0;
    let text = command ? own(command, 'text') || own(command, 'sql') || own(command, '_text') || '(a command)' : '';
    if (command && own(command, 'name') && !own(command, 'text')) text = String(own(command, 'name'));
    return {
      id: idOf(c), uses, text: String(text).slice(0, 500), tx: String(own(c, '_txStatus') || ''),
      pid: whole(own(c, 'processID') || own(c, 'connectionId')),
      port: portOf(parameters && own(parameters, 'stream') || own(c, 'stream')),
      held: since ? Date.now() - since : seenFor(c, uses), exact: Boolean(since),
    };
  };
  const kinds = [
    ['pg-pool', (o) => own(o, '_clients') && own(o, '_idle') && own(o, '_pendingQueue'), (o) => {
      const p = own(o, 'options') || {};
      const idle = new Set(own(o, '_idle').map((i) => i && i.client));
      const all = own(o, '_clients');
      const one = all[0] || {};
      return { server: where(p.host ? p : one.host ? one : p), total: all.length, idle: idle.size,
        waiting: size(own(o, '_pendingQueue')), max: whole(p.max), acquire: whole(p.connectionTimeoutMillis || 0),
        idleTimeout: whole(p.idleTimeoutMillis), uses: all.reduce((n, c) => n + (own(c, '_poolUseCount') || 0), 0),
        oldest: waitingFor(own(o, '_pendingQueue')), clients: all.filter((c) => !idle.has(c)).map((c) => client(c)) };
    }],
    ['tarn', (o) => own(o, 'pendingAcquires') && own(o, 'used') && own(o, 'free'), (o) => {
      const used = own(o, 'used');
      const first = used.concat(own(o, 'free'))[0];
      return { server: where(first && first.resource), total: used.length + own(o, 'free').length,
        idle: own(o, 'free').length, waiting: size(own(o, 'pendingAcquires')), max: whole(own(o, 'max')),
        acquire: whole(own(o, 'acquireTimeoutMillis')), idleTimeout: whole(own(o, 'idleTimeoutMillis')), uses: null,
        oldest: waitingFor(own(o, 'pendingAcquires')), clients: used.map((u) => client(u.resource, u.timestamp)) };
    }],
    ['generic-pool', (o) => own(o, '_allObjects') && own(o, '_waitingClientsQueue'), (o) => {
      const p = own(o, '_config') || {};
      const all = list(own(o, '_allObjects'));
      return { server: where(all[0] && all[0].obj), total: all.length, idle: size(own(o, '_availableObjects')),
        waiting: size(own(o, '_waitingClientsQueue')), max: whole(p.max), acquire: whole(p.acquireTimeoutMillis || 0),
        idleTimeout: whole(p.idleTimeoutMillis), uses: null, oldest: null,
        clients: all.filter((r) => r.state === 'ALLOCATED').map((r) => client(r.obj, r.lastBorrowTime)) };
    }],
    ['sequelize-pool', (o) => own(o, '_inUseObjects') && own(o, '_pendingAcquires'), (o) => {
      const used = list(own(o, '_inUseObjects'));
      const idle = list(own(o, '_availableObjects')).map((a) => a && a.resource || a);
      const factory = own(o, '_factory') || {};
      return { server: where(used.concat(idle)[0]), total: used.length + idle.length, idle: idle.length,
        waiting: size(own(o, '_pendingAcquires')), max: whole(factory.max || own(o, 'maxSize')),
        acquire: whole(own(o, 'acquireTimeoutMillis')), idleTimeout: whole(own(o, 'idleTimeoutMillis')), uses: null,
        oldest: waitingFor(own(o, '_pendingAcquires')), clients: used.map((c) => client(c)) };
    }],
    ['mysql2', (o) => own(o, '_allConnections') && own(o, '_connectionQueue'), (o) => {
      const p = own(o, 'config') || {};
      const free = new Set(list(own(o, '_freeConnections')));
      const all = list(own(o, '_allConnections'));
      return { server: where(p.connectionConfig), total: all.length, idle: free.size,
        waiting: size(own(o, '_connectionQueue')), max: whole(p.connectionLimit), acquire: p.waitForConnections === false ? null : 0,
        idleTimeout: whole(p.idleTimeout), uses: null, oldest: waitingFor(own(o, '_connectionQueue')),
        clients: all.filter((c) => !free.has(c)).map((c) => client(c)) };
    }],
    ['ioredis', (o) => own(o, 'commandQueue') && own(o, 'offlineQueue') && typeof own(o, 'status') === 'string', (o) => {
      const p = own(o, 'options') || {};
      const commands = list(own(o, 'commandQueue'));
      const first = commands.map((c) => c.command || c)[0];
      return { server: where(p), total: 1, idle: commands.length ? 0 : 1, waiting: size(own(o, 'offlineQueue')), max: 1,
        acquire: null, idleTimeout: null, uses: null, oldest: waitingFor(own(o, 'offlineQueue')),
        clients: first ? [{ id: idOf(o), uses: 0, text: String(own(first, 'name') || ''), tx: '', pid: null,
          port: portOf(own(o, 'stream')), held: seenFor(o, first), exact: false }] : [] };
    }],
    ['mongodb', (o) => own(o, 'checkedOut') instanceof Set && (own(o, 'waitQueue') || symbol(o, 'waitQueue')), (o) => {
      const p = own(o, 'options') || {};
      const idle = size(own(o, 'connections') || symbol(o, 'connections'));
      const used = list(own(o, 'checkedOut'));
      return { server: where(p.hostAddress), total: used.length + idle, idle, max: whole(p.maxPoolSize) || null,
        waiting: size(own(o, 'waitQueue') || symbol(o, 'waitQueue')), acquire: whole(p.waitQueueTimeoutMS),
        idleTimeout: whole(p.maxIdleTimeMS), uses: null, oldest: null, clients: used.map((c) => client(c)) };
    }],
    ['undici', (o) => Array.isArray(symbol(o, 'clients')) && symbol(o, 'queue'), (o) => {
      const entries = symbol(o, 'clients');
      const running = (c) => size(symbol(c, 'pending index')) - size(symbol(c, 'running index'));
      const url = symbol(o, 'url');
      return { server: url ? String(url.host) : '', total: entries.length, idle: entries.filter((c) => running(c) <= 0).length,
        waiting: whole(symbol(o, 'queued')) || 0, max: whole(symbol(o, 'connections')), acquire: null, idleTimeout: null,
        uses: null, oldest: null, clients: [] };
    }],
  ];
  const kindOf = (o) => kinds.find(([, test]) => { try { return test(o); } catch { return false; } });
  const objects = new RegExp('pool|manager|^client|^conn(ection)?s?$|driver|^_?context|dispatcher|^owner|^_?parent|'
    + '^server$|listener|^release$|redis|^self$|^app$|router|stack|^route$|^handle$|^db$|database|knex|sequelize|'
    + '^factory|^_?create|^parser$|topology|drain|^orm$|source|handler|^s$|^kysely$|^models?$', 'i');
  const functions = new RegExp('^(release|handle|handler|_?factory|_?create|listener|callback|fn|self|on error|'
    + 'onDrain|onConnect|db|knex|sequelize|app|pool|client|kysely)$', 'i');
  const seen = new Set([globalThis, process, Object.prototype, Function.prototype]);
  const found = [];
  let looked = 0;
  let rest = [];
  function expand(limit, ...roots) {
    const begun = performance.now();
    const met = [];
    const open = rest;
    for (const o of roots) {
      // V8 wraps a scope as {description, object}
      const inner = Reflect.ownKeys(o).length === 2 && typeof own(o, 'description') === 'string' ? own(o, 'object') : null;
      open.push(inner ? [inner, true, 0] : [o, false, 0]);
    }
    let at = 0;
    for (; at < open.length; at++) {
      const [o, scope, depth] = open[at];
      if (seen.has(o) || depth > 7 || ArrayBuffer.isView(o)) continue;
      if (++looked % 16 === 0 && performance.now() - begun > limit || met.length >= 60) break;
      seen.add(o);
      const add = (v) => {
        if (v !== null && (typeof v === 'object' || typeof v === 'function') && !seen.has(v)) open.push([v, false, depth + 1]);
      };
      const callable = typeof o === 'function';
      if (callable) met.push(o);
      else if (kindOf(o)) found.push(o);
      if (Array.isArray(o)) { for (let i = 0; i < o.length && i < 60; i++) add(o[i]); continue; }
      if (o instanceof Map || o instanceof Set) {
        let n = 0;
        for (const v of o.values()) { if (++n > 50) break; add(v); }
        continue;
      }
      const needs = scope && own(o, 'require');
      if (typeof needs === 'function' && !own(needs, 'cache')) continue;  // a module of Node.js itself
      const events = own(o, '_events');
      if (events && typeof events === 'object') for (const k of Reflect.ownKeys(events))
        for (const l of [].concat(own(events, k)).slice(0, 20)) if (typeof l === 'function') add(l);
      const keys = Reflect.ownKeys(o);
      for (let i = 0; i < keys.length && i < 200; i++) {
        const name = typeof keys[i] === 'symbol' ? keys[i].description || '' : keys[i];
        if (/^(_events|require|module|exports|NodeError|wrappedFn|HideStackFramesError|debug)$/.test(name)) continue;
        if (!scope && !objects.test(name)) continue;
        const d = Object.getOwnPropertyDescriptor(o, keys[i]);
        if (d.get) { if (callable) add(d.get); continue; }
        if (typeof d.value === 'function' && (!scope || needs || keys.length > 20) && !functions.test(name)) continue;
        add(d.value);
      }
    }
    rest = open.slice(at);
    return met.concat([performance.now() - begun, rest.length]);
  }
  function read() {
    const begun = performance.now();
    const pools = [];
    for (const o of found) try {
      const [library, , describe] = kindOf(o);
      pools.push(Object.assign({ library, id: idOf(o) }, describe(o)));
    } catch { }
    return { pools, spent: performance.now() - begun };
  }
  return { expand, read };
})())js";

inline constexpr const char* walk_expand_script =
    "function (...objects) { return this.expand(...objects); }";
inline constexpr const char* walk_read_script = "function () { return this.read(); }";

}  // namespace triage::probes::pool
