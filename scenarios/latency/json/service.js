'use strict';
// Catalogue with a working copy for each visitor who edits it.
const { serve } = require('../../shared/web');

const catalogue = { products: Array.from({ length: 25000 }, (_, i) => ({
  id: i, name: `product ${i}`, tags: ['new', 'sale', `group-${i % 50}`], price: { amount: i * 1.25, currency: 'EUR' },
})) };

function workingCopy() {
  return JSON.parse(JSON.stringify(catalogue));
}

serve({
  'GET /products/:id': ({ id }) => catalogue.products[Number(id)],
  'GET /drafts/:id': ({ id }) => {
    const draft = workingCopy();
    draft.products[Number(id)].price.amount += 1;
    return draft.products[Number(id)];
  },
});
