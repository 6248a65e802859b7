'use strict';
// Exports: each is written into a stream that the download reads later.
const { PassThrough } = require('node:stream');
const { serve } = require('../../shared/web');

const downloads = new Set();

function prepare(id) {
  const stream = new PassThrough({ highWaterMark: 64 * 1024 });
  for (let row = 0; row < 30; row += 1) stream.write(`${id};${row};${'x'.repeat(400)}\n`);
  downloads.add(stream);
  return { id };
}

serve({ 'POST /exports/:id': ({ id }) => prepare(Number(id)) });
