'use strict';
// Search results, kept so that the same question is answered at once.
const { serve } = require('../../shared/web');

const results = new Map();
let asked = 0;

function search(query) {
  asked += 1;
  const key = `${query}:${asked}`;
  if (!results.has(key)) {
    results.set(key, Array.from({ length: 200 }, (_, i) => ({ title: `${query} ${i}`, score: i / asked })));
  }
  return { query, found: results.get(key).length };
}

serve({ 'GET /search/:query': ({ query }) => search(query) });
