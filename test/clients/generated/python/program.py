"""The client that openapi-generator made of the door's document: url topic."""

import sys

from sluice import ApiClient, Configuration
from sluice.api import ConsumersApi, GroupsApi, MetadataApi, ProduceApi, V3Api
from sluice.exceptions import NotFoundException
from sluice.models import Acks, Commit, GivenHeader, InstanceSettings, JSONRecord, JSONRecords, Problem, Settled, Spot, Wish

url, topic = sys.argv[1:]
client = ApiClient(Configuration(host=url))


def same(records):
    got = [(r.key, r.value) for r in records]
    assert got == [("c-17", {"sku": 9}), (None, "two")], got
    assert records[0].headers[0].value == "YWJj", records[0]


try:
    MetadataApi(client).topic("nope")
    raise AssertionError("there is a topic nope")
except NotFoundException as refused:
    assert isinstance(refused.data, Problem) and refused.data.error_code == 40401, refused
clusters = V3Api(client).v3_clusters()
assert len(clusters.data) == 1 and clusters.metadata.next is None, clusters

produced = ProduceApi(client).produce(topic, JSONRecords(records=[
    JSONRecord(key="c-17", value={"sku": 9}, headers=[GivenHeader(key="trace", value="YWJj")]),
    JSONRecord(value="two", partition=0),
    JSONRecord(value=3, partition=9),
])).offsets
assert [r.offset for r in produced] == [0, 1, None] and produced[1].error is None and produced[2].error_code == 50002, produced

consumers, group = ConsumersApi(client), "python-v2"
w1 = consumers.create_instance(group, InstanceSettings(
    name="w1", format="json", auto_offset_reset="earliest", auto_commit_enable=False)).instance_id
consumers.subscribe(group, w1, Wish(topics=[topic]))
records = []
while len(records) < 2:
    records += consumers.instance_records(group, w1, timeout=10000)
same(records)
consumers.commit_offsets(group, w1, commit=Commit(offsets=[Spot(topic=topic, partition=0, offset=records[1].offset)]))
consumers.delete_instance(group, w1)

groups, group = GroupsApi(client), "python-v1"
records = []
while len(records) < 2:
    records += groups.messages(group, topic, wait="10s")
same(records)
settled = groups.acks(group, Acks(ack=[Settled(lease=r.lease) for r in records]))
assert settled.accepted == 2, settled
print("python: ok")
