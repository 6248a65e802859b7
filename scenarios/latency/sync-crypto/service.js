'use strict';
// Accounts: orders of a customer, and the login.
const crypto = require('node:crypto');
const { body, serve } = require('../../shared/web');

const salt = crypto.randomBytes(16);

function digest(password) {
  return crypto.pbkdf2Sync(password, salt, 120000, 64, 'sha512').toString('hex');
}

async function login(_, request) {
  const { name, password } = JSON.parse(await body(request));
  return { name, session: digest(password).slice(0, 32) };
}

serve({
  'GET /orders/:id': ({ id }) => ({ id: Number(id), total: 12.5 }),
  'POST /login': login,
});
