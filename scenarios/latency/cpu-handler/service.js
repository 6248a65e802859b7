'use strict';
// Shop: what other customers bought, worked out when it is asked for.
const { serve } = require('../../shared/web');

const tastes = Array.from({ length: 500 }, (_, i) => Float64Array.from({ length: 120 }, (__, k) => ((i + 1) * (k + 3)) % 17));

function similarity(left, right) {
  let product = 0;
  let leftLength = 0;
  let rightLength = 0;
  for (let k = 0; k < left.length; k += 1) {
    product += left[k] * right[k];
    leftLength += left[k] * left[k];
    rightLength += right[k] * right[k];
  }
  return product / Math.sqrt(leftLength * rightLength);
}

function recommend(customer) {
  const mine = tastes[customer % tastes.length];
  const near = tastes.filter((taste) => similarity(mine, taste) > 0.5);
  let best = 0;
  for (const one of near) for (const other of near) best = Math.max(best, similarity(one, other));
  return { customer, near: near.length, best };
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), total: 12.5 }),
  'GET /recommendations/:id': ({ id }) => recommend(Number(id)),
});
