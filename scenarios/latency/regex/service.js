'use strict';
// Product search: a query is checked before it is looked up.
const { serve } = require('../../shared/web');

const products = Array.from({ length: 2000 }, (_, i) => ({ id: i, name: `product ${i}`, slug: `product-${i}` }));
const allowed = /^([a-z0-9]+[ -]?)+$/;

function isAllowed(query) {
  return allowed.test(query);
}

function find(query) {
  return products.filter(({ name }) => name.includes(query)).slice(0, 20);
}

serve({
  'GET /products/:id': ({ id }) => products[Number(id)],
  'GET /search/:query': ({ query }) => {
    if (!isAllowed(query)) return { status: 400, body: { error: 'letters, digits, blanks and dashes only' } };
    return find(query);
  },
});
