// The client that openapi-typescript and openapi-fetch make of the door's document: url topic.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type {components, paths} from './sluice.js';

const [url = '', topic = ''] = process.argv.slice(2);
const sluice = createClient<paths>({baseUrl: url});
type Taken = Pick<components['schemas']['Message'], 'key' | 'value' | 'headers'>;

function same(records: Taken[]): void {
  assert.deepEqual(records.map(r => [r.key, r.value]), [['c-17', {sku: 9}], [null, 'two']]);
  assert.equal(records[0]?.headers?.[0]?.value, 'YWJj');
}

// the answer of a call that went well
async function done<T>(call: Promise<{data?: T; error?: unknown; response: Response}>): Promise<T> {
  const {data, error, response} = await call;
  assert(response.ok, `${response.url}: ${response.status} ${JSON.stringify(error)}`);
  return data as T;
}

const {error} = await sluice.GET('/topics/{topic}', {params: {path: {topic: 'nope'}}});
assert.equal(error?.error_code, 40401);
const clusters = await done(sluice.GET('/v3/clusters'));
assert.equal(clusters.data.length, 1);
assert.equal(clusters.metadata.next, null);

const produced = await done(sluice.POST('/topics/{topic}', {
  params: {path: {topic}},
  body: {records: [
    {key: 'c-17', value: {sku: 9}, headers: [{key: 'trace', value: 'YWJj'}]},
    {value: 'two', partition: 0},
    {value: 3, partition: 9},
  ]},
}));
assert.deepEqual(produced?.offsets.map(r => [r.offset, r.error_code]), [[0, null], [1, null], [null, 50002]]);

async function consume(group: string): Promise<void> {
  const {instance_id: instance} = await done(sluice.POST('/consumers/{group}', {
    params: {path: {group}},
    body: {name: 'w1', format: 'json', 'auto.offset.reset': 'earliest', 'auto.commit.enable': false},
  }));
  const path = {group, instance};
  await done(sluice.POST('/consumers/{group}/instances/{instance}/subscription', {params: {path}, body: {topics: [topic]}}));
  const records: components['schemas']['ConsumedRecord'][] = [];
  while (records.length < 2) {
    records.push(...await done(sluice.GET('/consumers/{group}/instances/{instance}/records', {params: {path, query: {timeout: 10000}}})));
  }
  same(records);
  const offset = records[1]!.offset;
  await done(sluice.POST('/consumers/{group}/instances/{instance}/offsets', {params: {path}, body: {offsets: [{topic, partition: 0, offset}]}}));
  await done(sluice.DELETE('/consumers/{group}/instances/{instance}', {params: {path}}));
}

async function take(group: string): Promise<void> {
  const records: components['schemas']['Message'][] = [];
  while (records.length < 2) {
    const answer = await done(sluice.GET('/v1/groups/{group}/messages', {params: {path: {group}, query: {topics: topic, wait: '10s'}}}));
    assert(typeof answer !== 'string', 'a stream came, which was not asked for');
    records.push(...answer);
  }
  same(records);
  const settled = await done(sluice.POST('/v1/groups/{group}/acks', {params: {path: {group}}, body: {ack: records.map(r => ({lease: r.lease!}))}}));
  assert.equal(settled.accepted, 2);
}

await consume('typescript-v2');
await take('typescript-v1');
console.log('typescript: ok');
