'use strict';
// Payments that wait for the bank's message.
const { serve } = require('../../shared/web');

const confirmations = new Map();
let next = 0;

function confirmation(payment) {
  return new Promise((resolve) => { confirmations.set(payment.number, resolve); });
}

async function settle(payment) {
  await confirmation(payment);
  payment.settled = true;
}

function pay(id) {
  next += 1;
  const payment = { id, number: next, steps: Array.from({ length: 400 }, (_, step) => `${id}/${step}`) };
  settle(payment);
  return { number: payment.number };
}

serve({ 'POST /payments/:id': ({ id }) => pay(Number(id)) });
