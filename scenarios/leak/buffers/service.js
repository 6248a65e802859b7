'use strict';
// Pictures: each upload waits in memory until the archive takes it.
const crypto = require('node:crypto');
const { serve } = require('../../shared/web');

const waiting = [];

function upload(id) {
  const picture = crypto.randomBytes(48 * 1024);
  waiting.push(picture);
  return { id, bytes: picture.length };
}

serve({ 'POST /pictures/:id': ({ id }) => upload(Number(id)) });
