'use strict';
// Uploads that can be taken back: what is to be undone is noted for each.
const { serve } = require('../../shared/web');

const undo = [];

function accept(id) {
  const rows = Array.from({ length: 500 }, (_, row) => `${id};${row};new`);
  undo.push(function revert() { return rows.length; });
  return { id, accepted: rows.length };
}

serve({ 'POST /imports/:id': ({ id }) => accept(Number(id)) });
