'use strict';
// The label printer's side of the pipe: one label after the other, each takes its time.
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { log } = require('../../runner/service-log');

const pipe = path.resolve('printer');
if (!fs.existsSync(pipe)) spawnSync('mkfifo', [pipe]);

async function print() {
  const label = await fs.promises.readFile(pipe, 'utf8');
  if (label.length > 0) log('info', { label: label.trim() }, 'printed');
  setTimeout(print, 2500);
}
log('info', {}, 'ready');
print();
