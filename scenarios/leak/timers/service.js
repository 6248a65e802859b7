'use strict';
// Deliveries: the state of each is asked for again until it has arrived.
const { serve } = require('../../shared/web');

function state(delivery) {
  delivery.seen += 1;
  return delivery.seen;
}

function track(id) {
  const delivery = { id, seen: 0, route: Array.from({ length: 400 }, (_, stop) => `${id}:${stop}`) };
  setInterval(() => state(delivery), 30000);
  return { id, stops: delivery.route.length };
}

serve({ 'GET /deliveries/:id': ({ id }) => track(Number(id)) });
