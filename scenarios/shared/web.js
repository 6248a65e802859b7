'use strict';
// The frame of a small service: routes by method and path, a JSON log line for each request, and
// prom-client's metrics when METRICS is set.
const http = require('node:http');
const { log, serveLogged } = require('../runner/service-log');

function matcher(pattern) {
  const [method, path] = pattern.split(' ');
  const wanted = path.split('/');
  return (request) => {
    const parts = request.url.split('?')[0].split('/');
    if (request.method !== method || parts.length !== wanted.length) return undefined;
    const parameters = {};
    for (let i = 0; i < wanted.length; i += 1) {
      if (wanted[i].startsWith(':')) parameters[wanted[i].slice(1)] = decodeURIComponent(parts[i]);
      else if (wanted[i] !== parts[i]) return undefined;
    }
    return parameters;
  };
}

function metrics() {
  if (process.env.METRICS === undefined) return undefined;
  const prometheus = require('prom-client');
  prometheus.collectDefaultMetrics();
  const durations = new prometheus.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to its answer',
    labelNames: ['method', 'route', 'status_code'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  return { durations, registry: prometheus.register };
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// routes: {"GET /orders/:id": async (parameters, request) => value}. The value becomes the answer's
// JSON; {status, body} says the status as well.
function serve(routes, { onListening } = {}) {
  const table = Object.entries(routes).map(([pattern, handler]) => ({ pattern, match: matcher(pattern), handler }));
  const measured = metrics();
  const handle = async (request) => {
    for (const { match, handler } of table) {
      const parameters = match(request);
      if (parameters === undefined) continue;
      const value = await handler(parameters, request);
      return value?.status === undefined ? { status: 200, body: value ?? {} } : value;
    }
    return { status: 404, body: { error: 'not found' } };
  };
  const logged = serveLogged(handle);
  const server = http.createServer(async (request, response) => {
    if (measured && request.url === '/metrics') {
      response.setHeader('content-type', measured.registry.contentType);
      response.end(await measured.registry.metrics());
      return;
    }
    if (measured) {
      const route = table.find(({ match }) => match(request) !== undefined)?.pattern.split(' ')[1] ?? 'unknown';
      const stop = measured.durations.startTimer({ method: request.method, route });
      response.on('close', () => stop({ status_code: response.statusCode }));
    }
    logged(request, response);
  });
  server.listen(Number(process.env.PORT), '127.0.0.1', () => {
    log('info', { port: server.address().port }, 'ready');
    onListening?.(server);
  });
  return server;
}

module.exports = { body, log, serve };
