'use strict';
// Pictures: a thumbnail of each upload, made by the image library.
const path = require('node:path');
const { serve } = require('../../shared/web');

const { thumbnail } = require(path.join(process.env.OUT, 'thumbnail.node'));
const picture = Buffer.alloc(64 * 1024, 7);

serve({ 'POST /pictures/:id': ({ id }) => ({ id, thumbnail: thumbnail(picture) }) });
