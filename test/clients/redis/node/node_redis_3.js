// What an application does with node-redis 3, which has callbacks and no promises: node_redis_3.js STEP.
// HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, TOPIC, KEY and TYPED come from the environment.
'use strict';
const assert = require('node:assert');
const {setTimeout: sleep} = require('node:timers/promises');
const redis = require('redis');

const {HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, KEY, TYPED} = process.env;
const numbers = n => [...Array(n).keys()];
const ones = numbers(100).map(() => 1);

function show(...fields) {
  process.stdout.write(fields.join('\t') + '\n');
}

function client(name) {
  const c = redis.createClient({host: HOST, port: Number(PORT), password: PASSWORD});
  c.on('error', () => {}); // without a listener, a connection that breaks ends the process
  if (name) {
    const introduce = () => c.client('SETNAME', name);
    introduce();
    c.on('end', introduce); // the next connection needs the name again: this waits for it, in front of all commands
  }
  return c;
}

// call calls a method that takes a callback.
function call(object, method, ...args) {
  return new Promise((resolve, reject) => object[method](...args, (error, reply) => error ? reject(error) : resolve(reply)));
}

const typed = (c, key, seconds) => call(c, 'blpop', key, seconds);
const raw = (c, key, seconds) => call(c, 'send_command', 'BLPOP', [key, seconds]);

// take takes a record, and acknowledges it if its reply says where it is: topic T partition P offset O value V.
async function take(c, pop) {
  const record = await pop(c, KEY, 2);
  if (record) show('got', ...record);
  if (record?.length === 8) {
    const [, topic, , partition, , offset] = record;
    await call(c, 'rpush', 'acks', `${topic}:${partition}:${offset}`);
  }
  return record;
}

async function connect() {
  if (PROTOCOL === '3') return show('none', 'connect', 'node-redis 3 speaks RESP2 only');
  const c = client(NAME);
  assert.strictEqual(await call(c, 'ping'), 'PONG');
  show('name', await call(c, 'client', 'GETNAME'));
}

async function produce() {
  const c = client();
  assert.strictEqual(await call(c, 'rpushx', KEY, 'alone'), 1);
  assert.strictEqual(await call(c, 'rpush', KEY, 'waited'), 1);
  assert.strictEqual(await call(c, 'lpush', KEY, 'left'), 1);
  for (const [prefix, queue] of [['p', c.batch()], ['m', c.multi()]]) {
    for (const i of numbers(100)) queue.rpushx(KEY, `${prefix}-${i}`);
    assert.deepStrictEqual(await call(queue, 'exec'), ones);
  }
  assert.strictEqual(await call(c, 'rpush', KEY, 'k'.repeat(900000)), 1);
  assert.strictEqual(await call(c, 'rpush', KEY, Buffer.from(numbers(256))), 1);
  assert.strictEqual(await call(c, 'rpush', KEY, ''), 1);
  assert.strictEqual(await call(c, 'rpush', `${KEY}:ключ`, 'utf8'), 1);
}

async function consume(pop) {
  const c = client(NAME);
  while (await take(c, pop));
}

async function pool(pop) {
  const c = client();
  await Promise.all(numbers(8).map(async i => {
    for (const j of numbers(25)) assert.strictEqual(await call(c, 'rpush', KEY, `w${i}-${j}`), 1);
    const own = c.duplicate(); // a client is one connection, and who waits needs it alone
    own.on('error', () => {});
    const me = JSON.stringify({'sluice.group': GROUP, 'sluice.name': `w${i}`, 'sluice.ack': 'auto'});
    for (let record; (record = await pop(own, `${KEY}:${me}`, 2));) show('got', ...record);
  }));
}

async function patience(pop) {
  const c = client(NAME);
  try {
    assert.strictEqual(await pop(c, KEY, 7), null);
    show('nil');
  } catch (error) {
    show('error', error.message);
  }
}

async function restart(pop) {
  const c = client(NAME);
  assert.strictEqual(await call(c, 'rpush', KEY, 'before'), 1);
  show('ready');
  await new Promise(resolve => process.stdin.once('data', resolve)); // sluice stops and starts meanwhile
  show('tries', (await tries(() => call(c, 'rpush', KEY, 'after'))).length);
  const missing = new Set(['before', 'after']);
  const errors = await tries(async () => {
    while (missing.size > 0) missing.delete((await take(c, pop))?.at(-1));
  });
  if (errors.length > 0) show('error', errors[0].message);
}

// tries calls it until it goes through, up to 50 times, and returns the errors of the calls before.
async function tries(attempt) {
  const errors = [];
  for (;;) {
    try {
      await attempt();
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
