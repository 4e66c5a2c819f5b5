// What an application does with node-redis 4 to 6: node_redis.js STEP.
// HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, TOPIC, KEY and TYPED come from the environment.
'use strict';
const assert = require('node:assert');
const {setTimeout: sleep} = require('node:timers/promises');
const {createClient, createClientPool} = require('redis');

const {HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, KEY, TYPED} = process.env;
const options = {socket: {host: HOST, port: Number(PORT)}, password: PASSWORD, RESP: Number(PROTOCOL)};
const numbers = n => [...Array(n).keys()];
const ones = numbers(100).map(() => 1);

function show(...fields) {
  process.stdout.write(fields.join('\t') + '\n');
}

async function client(more) {
  const c = createClient({...options, ...more});
  c.on('error', () => {}); // without a listener, a connection that breaks ends the process
  return c.connect();
}

async function typed(c, key, seconds) {
  const reply = await c.blPop(key, seconds);
  return reply && [reply.key, reply.element];
}

function raw(c, key, seconds) {
  return c.sendCommand(['BLPOP', key, String(seconds)]);
}

// take takes a record, and acknowledges it if its reply says where it is: topic T partition P offset O value V.
async function take(c, pop) {
  const record = await pop(c, KEY, 2);
  if (record) show('got', ...record);
  if (record?.length === 8) {
    const [, topic, , partition, , offset] = record;
    await c.rPush('acks', `${topic}:${partition}:${offset}`);
  }
  return record;
}

async function connect() {
  if (PROTOCOL === '3' && !createClientPool) return show('none', 'connect', 'node-redis 4 speaks RESP2 only');
  const c = await client({name: NAME});
  assert.strictEqual(await c.ping(), 'PONG');
  show('name', await c.clientGetName());
}

async function produce() {
  const c = await client();
  assert.strictEqual(await c.rPushX(KEY, 'alone'), 1);
  assert.strictEqual(await c.rPush(KEY, 'waited'), 1);
  assert.strictEqual(await c.lPush(KEY, 'left'), 1);
  assert.deepStrictEqual(await Promise.all(numbers(100).map(i => c.rPushX(KEY, `p-${i}`))), ones);
  const transaction = c.multi();
  for (const i of numbers(100)) transaction.rPushX(KEY, `m-${i}`);
  assert.deepStrictEqual(await transaction.exec(), ones);
  assert.strictEqual(await c.rPush(KEY, 'k'.repeat(900000)), 1);
  assert.strictEqual(await c.rPush(KEY, Buffer.from(numbers(256))), 1);
  assert.strictEqual(await c.rPush(KEY, ''), 1);
  assert.strictEqual(await c.rPush(`${KEY}:ключ`, 'utf8'), 1);
}

async function consume(pop) {
  const c = await client({name: NAME});
  while (await take(c, pop));
}

// connections gives a function that lends a connection of a pool to its argument.
async function connections() {
  if (!createClientPool) {
    const c = await client({isolationPoolOptions: {max: 8}});
    return use => c.executeIsolated(use);
  }
  const pool = createClientPool(options);
  pool.on('error', () => {});
  await pool.connect();
  return use => pool.execute(use);
}

async function pool(pop) {
  const lend = await connections();
  await Promise.all(numbers(8).map(async i => {
    for (const j of numbers(25)) assert.strictEqual(await lend(c => c.rPush(KEY, `w${i}-${j}`)), 1);
    const me = JSON.stringify({'sluice.group': GROUP, 'sluice.name': `w${i}`, 'sluice.ack': 'auto'});
    for (let record; (record = await lend(c => pop(c, `${KEY}:${me}`, 2)));) show('got', ...record);
  }));
}

async function patience(pop) {
  const c = await client({name: NAME});
  try {
    assert.strictEqual(await pop(c, KEY, 7), null);
    show('nil');
  } catch (error) {
    show('error', error.message);
  }
}

async function restart(pop) {
  const c = await client({name: NAME});
  assert.strictEqual(await c.rPush(KEY, 'before'), 1);
  show('ready');
  await new Promise(resolve => process.stdin.once('data', resolve)); // sluice stops and starts meanwhile
  show('tries', (await tries(() => c.rPush(KEY, 'after'))).length);
  const missing = new Set(['before', 'after']);
  const errors = await tries(async () => {
    while (missing.size > 0) missing.delete((await take(c, pop))?.at(-1));
  });
  if (errors.length > 0) show('error', errors[0].message);
}

// tries calls it until it goes through, up to 50 times, and returns the errors of the calls before.
async function tries(call) {
  const errors = [];
  for (;;) {
    try {
      await call();
      return errors;
    } catch (error) {
      errors.push(error);
      if (errors.length === 50) throw error;
      await sleep(200);
    }
  }
}

const pop = TYPED === '1' ? typed : raw;
const steps = {
  connect, produce, typed: () => consume(typed), raw: () => consume(raw),
  pool: () => pool(pop), patience: () => patience(pop), restart: () => restart(pop),
};
steps[process.argv[2]]().then(() => process.exit(), error => {
  console.error(error);
  process.exit(1);
});
