'use strict';
// Chat: a connection for each visitor who waits for news, as it is meant to be.
const { serve } = require('../../shared/web');

const news = [];

async function wait() {
  await new Promise((resolve) => { setTimeout(resolve, 4000); });
  return { news: news.length };
}

serve({
  'GET /news': wait,
  'GET /stock/:id': async ({ id }) => (await fetch(`${process.env.INVENTORY_URL}/stock/${id}`)).json(),
});
