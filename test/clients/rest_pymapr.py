"""pymapr-kafkarest as it is: url topic. Its producer sends everything four times: it takes success for a retry."""

import os
import sys

os.environ["KAFKAREST_LOG_LEVEL"] = "WARNING"

from pymapr_kafkarest.kafkarest import MaprKlient, MaprKProducer  # noqa: E402

url, topic = sys.argv[1:]
MaprKProducer(url + "/", headers={}).produce([{"key": "k", "value": {"n": 1}}], topic=topic)


def client():
    return MaprKlient(url + "/", "mapr", headers={}, topics=[topic], instance="w1", follow_base_uri=True)


def consume(c, n):
    got = []
    for _ in range(50):
        got += c.consume()
        if len(got) >= n:
            return got
    raise AssertionError(got)


first = client()
first.connect()
first.subscribe()
assert [r["value"] for r in consume(first, 4)] == [{"n": 1}] * 4

first._position(2)
assert [r["offset"] for r in consume(first, 2)] == [2, 3]
first._seek_beginning()
assert [r["offset"] for r in consume(first, 4)] == [0, 1, 2, 3]

# The process is gone, its instance is not: the same name again.
second = client()
second.connect(clear=True)
second.subscribe()
assert [r["offset"] for r in consume(second, 4)] == [0, 1, 2, 3]
assert second.consume() == []  # asks for more: what came before is done, for it commits automatically
second._instance_delete()
print("pymapr-kafkarest: ok")
