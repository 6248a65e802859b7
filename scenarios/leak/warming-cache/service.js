'use strict';
// Product pages: each is made once and kept; the assortment is as large as it is.
const { serve } = require('../../shared/web');

const pages = new Map();
let asked = 0;

// Many ask for the same few products, some for the rest.
function wanted() {
  asked += 1;
  const turn = (asked * 7919) % 1000;
  return Math.floor((turn * turn) / 1500);
}

function page(product) {
  if (!pages.has(product)) {
    pages.set(product, Array.from({ length: 250 }, (_, line) => ({ line, text: `${product}/${line}` })));
  }
  return { product, lines: pages.get(product).length };
}

serve({ 'GET /pages/:id': () => page(wanted()) });
