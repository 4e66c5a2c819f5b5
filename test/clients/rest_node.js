// kafka-rest as it is: url topic. It speaks version 1.
'use strict';
const assert = require('assert');
const KafkaRest = require('kafka-rest');

const [url, topic] = process.argv.slice(2);
const kafka = new KafkaRest({url});
const call = (object, method, ...args) => new Promise((resolve, reject) => {
  object[method](...args, (error, result) => error ? reject(error) : resolve(result));
});

(async () => {
  const brokers = await call(kafka.brokers, 'list');
  assert.strictEqual(brokers.length, 1);
  const topics = await call(kafka.topics, 'list');
  assert(topics.some(t => t.name === topic));
  const found = await call(kafka.topic(topic), 'get');
  assert.strictEqual(found.raw.partitions.length, 1);
  const partition = await call(kafka.topic(topic).partition(0), 'get');
  assert.strictEqual(partition.raw.partition, 0);
  await assert.rejects(call(kafka.topic('nope'), 'get'), error => error.status === 404 && error.data.error_code === 40401);

  const written = await call(kafka.topic(topic), 'produce', 'one', {key: 'k', value: 'two'});
  assert.deepStrictEqual(written.offsets.map(o => o.offset), [0, 1]);
  const third = await call(kafka.topic(topic).partition(0), 'produce', 'three');
  assert.strictEqual(third.offsets[0].offset, 2);

  const instance = await call(kafka.consumer('node'), 'join', {id: 'w1', 'auto.offset.reset': 'earliest'});
  assert.strictEqual(instance.id, 'w1');
  await assert.rejects(call(kafka.consumer('node'), 'join', {id: 'w1'}), error => error.data.error_code === 40902);
  await call(instance, 'commit');
  await call(instance, 'shutdown');
  console.log('kafka-rest: ok');
})().catch(error => {
  console.error(error);
  process.exit(1);
});
