'use strict';
// A service whose pool is in one situation: service.js URI LIBRARY SITUATION. Prints "ready PORT"
// when it is there. The pool has five connections (pg-pool) and six more requests wait for one.
const http = require('node:http');

const [uri, library, situation] = process.argv.slice(2);
const size = 5;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let ask;
let done = 0;
const asked = new Promise((resolve) => { ask = resolve; });

const libraries = {
  pg() {
    const { Pool } = require('pg');
    const pool = new Pool({ connectionString: uri, max: size, idleTimeoutMillis: 0, application_name: 'orders' });
    pool.on('error', () => {});
    return { pool, acquire: () => pool.connect(), release: (client) => client.release(),
      query: (client, text) => client.query(text) };
  },
  knex() {
    const knex = require('knex')({ client: 'pg', connection: uri, pool: { min: 0, max: size } });
    return { pool: knex, acquire: () => knex.client.acquireConnection(),
      release: (client) => knex.client.releaseConnection(client), query: (client, text) => client.query(text) };
  },
  sequelize() {
    const { Sequelize } = require('sequelize');
    const sequelize = new Sequelize(uri, { logging: false, pool: { max: size } });
    const manager = sequelize.connectionManager;
    return { pool: sequelize, acquire: () => manager.getConnection({ type: 'write' }),
      release: (client) => manager.releaseConnection(client), query: (client, text) => client.query(text) };
  },
  generic() {
    const { Client } = require('pg');
    const pool = require('generic-pool').createPool({
      create: async () => { const client = new Client({ connectionString: uri }); await client.connect(); return client; },
      destroy: (client) => client.end(),
    }, { max: size });
    return { pool, acquire: () => pool.acquire(), release: (client) => pool.release(client),
      query: (client, text) => client.query(text) };
  },
  mysql2() {
    const pool = require('mysql2/promise').createPool({ uri, connectionLimit: size });
    return { pool, acquire: () => pool.getConnection(), release: (client) => client.release(),
      query: (client, text) => client.query(text) };
  },
};

const situations = {
  async healthy(use) {
    for (;;) { await use(async (query) => query('SELECT 1')); await wait(50); }
  },
  async undersized(use) {
    const one = async () => { for (;;) await use((query) => query('SELECT pg_sleep(0.05)')); };
    for (let i = 0; i < size + 6; i++) one();
  },
  async held(use) {
    const one = async () => { for (;;) await use(async (query) => { await query('SELECT 1'); await wait(300); }); };
    for (let i = 0; i < size + 6; i++) one();
  },
  async leak(use) {
    for (let i = 0; i < size + 6; i++) use(async (query) => { await query('SELECT 1'); await wait(1e9); });
  },
  async slow(use) {
    for (let i = 0; i < size + 6; i++) use((query) => query(library === 'mysql2' ? 'SELECT sleep(1000)' : 'SELECT pg_sleep(1000)'));
  },
  async transaction(use) {
    for (let i = 0; i < size + 6; i++) use(async (query) => { await query('BEGIN'); await query('SELECT 1'); await wait(1e9); });
  },
  async lock(use) {
    use(async (query) => { await query('BEGIN'); await query('UPDATE stock SET n = n'); await wait(1e9); });
    await wait(300);
    for (let i = 0; i < size + 5; i++) use((query) => query('UPDATE stock SET n = n'));
  },
  async deadlock(use) {
    const one = async (first, second) => {
      for (;;) await use(async (query) => {
        await query('BEGIN');
        await query(`UPDATE stock SET n = n WHERE id = ${first}`);
        await wait(50);
        await query(`UPDATE stock SET n = n WHERE id = ${second}`).catch(() => {});
        await query('ROLLBACK');
      });
    };
    one(1, 2);
    one(2, 1);
  },
  // Connected, and quiet until the first request comes.
  async network(use) {
    for (let i = 0; i < size; i++) use(async (query) => { await query('SELECT 1'); await wait(200); });
    await asked;
    for (let i = 0; i < size + 6; i++) use((query) => query('SELECT 1'));
  },
  // The server has no slot for it.
  async refused() {
    for (;;) { await pool.query('SELECT 1').catch(() => {}); await wait(100); }
  },
  // All connections have their answer waiting in the kernel while the loop runs.
  async blocked(use) {
    for (let i = 0; i < size; i++) use(async (query) => { await query('SELECT 1'); await wait(200); });
    await asked;
    for (let i = 0; i < size; i++) use((query) => query('SELECT pg_sleep(0.2)'));
    await wait(100);
    setTimeout(() => { for (const end = Date.now() + 60000; Date.now() < end;); }, 0);
  },
};

const { pool, acquire, release, query } = libraries[library]();

async function use(work) {
  const client = await acquire();
  try {
    return await work((text) => query(client, text));
  } finally {
    done++;
    release(client);
  }
}

const server = http.createServer((request, response) => {
  ask();
  if (request.url === '/pool') response.end(pool.constructor.name);
  else if (request.url === '/count') response.end(String(done));
  else response.end('ok');
});
server.listen(0, '127.0.0.1', async () => {
  situations[situation](use).catch((error) => { console.log('failed', error.message); });
  await wait(700);
  console.log(`ready ${server.address().port}`);
});
