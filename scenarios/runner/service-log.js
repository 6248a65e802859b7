'use strict';
// The log of a typical service: JSON lines in the shape that pino and pino-http write.
const os = require('node:os');

const levels = { info: 30, warn: 40, error: 50 };

function plain(error) {
  return { type: error.constructor.name, code: error.code, message: error.message, stack: error.stack };
}

function log(level, fields, message) {
  const entry = { level: levels[level], time: Date.now(), pid: process.pid, hostname: os.hostname() };
  for (const [key, value] of Object.entries(fields)) {
    entry[key] = value instanceof Error ? plain(value) : value;
  }
  process.stdout.write(`${JSON.stringify({ ...entry, msg: message })}\n`);
}

// A request handler around `answer` (request -> {status, body}) that logs each request once: when
// it was answered, failed, or the client went away before.
function serveLogged(answer) {
  return async (request, response) => {
    const start = process.hrtime.bigint();
    const req = { method: request.method, url: request.url };
    const done = (level, status, message, extra) => {
      if (done.said) return;
      done.said = true;
      const responseTime = Number((process.hrtime.bigint() - start) / 1000n) / 1000;
      log(level, { req, res: { statusCode: status }, responseTime, ...extra }, message);
    };
    response.on('close', () => {
      if (!response.writableFinished) done('error', 499, 'request aborted', {});
    });
    try {
      const { status, body } = await answer(request);
      done('info', status, 'request completed', {});
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    } catch (error) {
      done('error', 503, 'request errored', { err: error });
      response.writeHead(503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'unavailable' }));
    }
  };
}

module.exports = { log, serveLogged };
