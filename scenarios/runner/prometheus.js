'use strict';
// Debian's Prometheus, scraping the service's /metrics each second, on a free port of the loopback.
const fs = require('node:fs');
const path = require('node:path');
const { freePort, start, until } = require('./processes');

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function startPrometheus(directory, service, servicePort) {
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'prometheus.yml');
  fs.writeFileSync(file, [
    'global:', '  scrape_interval: 1s', '  scrape_timeout: 1s', '  evaluation_interval: 1s',
    'scrape_configs:', `  - job_name: ${service}`, '    static_configs:',
    `      - targets: ['127.0.0.1:${servicePort}']`, '',
  ].join('\n'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const handle = await start('prometheus', [`--config.file=${file}`,
    `--storage.tsdb.path=${path.join(directory, 'data')}`, `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn'], { cwd: directory, logFile: path.join(directory, 'prometheus.log') });
  await until(() => answers(`${url}/-/ready`), 30, 'a ready Prometheus (cmake/install-packages scenario)');
  return { handle, url };
}

module.exports = { startPrometheus };
