'use strict';
// Offers: the rates of an offer's lines come from the rates service, over TLS.
const https = require('node:https');
const { serve } = require('../../shared/web');

function rate(id) {
  return new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port: process.env.RATES_PORT, path: `/rates/${id}`, agent: new https.Agent(), rejectUnauthorized: false }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve(JSON.parse(Buffer.concat(chunks))));
    }).on('error', reject);
  });
}

async function offer(id) {
  const lines = await Promise.all(Array.from({ length: 20 }, (_, line) => rate(id * 20 + line)));
  return { offer: id, total: lines.reduce((sum, line) => sum + line.rate, 0) };
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), total: 12.5 }),
  'GET /offers/:id': ({ id }) => offer(Number(id)),
});
