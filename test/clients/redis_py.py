"""What a Python application does with redis-py, in RESP2 and, where it can, in RESP3.

Usage: redis_py.py HOST PORT TOPIC. Prints what it checked; status 0 when all of it held.
"""

import re
import sys

import redis

HOST, PORT, TOPIC = sys.argv[1], int(sys.argv[2]), sys.argv[3]
KEY = f"topics:{TOPIC}"
MAJOR = int(redis.__version__.split(".")[0])


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, want {wanted!r}")
    print("ok", what)


def expect_error(what, pattern, call):
    try:
        got = call()
    except redis.ResponseError as e:
        if not re.search(pattern, str(e)):
            sys.exit(f"{what}: got {e}, want {pattern}")
        print("ok", what)
        return
    sys.exit(f"{what}: no error but {got!r}")


def connect(**options):
    return redis.Redis(HOST, PORT, decode_responses=True, **options)


def record(offset, value):
    return ["topic", TOPIC, "partition", 0, "offset", offset, "value", value]


def flat(answer):
    """BLPOP of redis-py makes a tuple of the array in some versions."""
    return list(answer)


producer = connect()
expect("ping", producer.ping(), True)
expect("produce", producer.rpushx(KEY, "one"), 1)
expect("produce with a key", producer.rpushx(f"{KEY}:k:1", "two"), 1)
expect("flush", int(producer.execute_command("DUMP", 10000)), 0)
expect("produce and wait", producer.rpush(KEY, "three"), 1)
expect_error("topic with a bad name", "^PROD ", lambda: producer.rpushx("topics:a/b", "x"))
expect("stats", producer.hgetall("stats")["producer.unflushed.messages"], "0")
expect("keys", KEY in producer.keys("topics:*"), True)
expect("scan", KEY in list(producer.scan_iter("topics:*")), True)
with producer.pipeline() as transaction:
    transaction.echo("hi").ping()
    expect("transaction", transaction.execute(), ["hi", True])

expect_error("no name", "^CONS ", lambda: connect().blpop(KEY, timeout=1))

consumer = connect(client_name="myapp:worker-1", single_connection_client=True)
expect("name", consumer.client_getname(), "myapp:worker-1")
expect("first", flat(consumer.blpop(KEY, timeout=4)), record(0, "one"))
expect("second", flat(consumer.blpop([KEY], timeout=2.5)), record(1, "two"))
expect("ack", consumer.rpush("acks", f"{TOPIC}:0:0"), 1)
expect_error(
    "the id is in use",
    "CONS id myapp:worker-1 is already taken",
    lambda: connect(client_name="myapp:worker-1").blpop(KEY, timeout=1),
)

# The process ends without an ack: the next one gets the record again.
consumer.close()
consumer = connect(client_name="myapp:worker-1", single_connection_client=True)
expect("again", flat(consumer.blpop(KEY, timeout=4)), record(1, "two"))
expect("third", flat(consumer.blpop(KEY, timeout=4)), record(2, "three"))
expect("nothing more", consumer.blpop(KEY, timeout=0.2), None)
expect("ack of both", consumer.rpush("acks", f"{TOPIC}:0:2"), 1)
expect_error("malformed ack", "^CONS ", lambda: consumer.rpush("acks", "nonsense"))

entry = producer.xadd(TOPIC, {"value": "four", "key": "k", "traceparent": "00-1-2-01"}, maxlen=10, nomkstream=True)
expect("id of an entry", int(entry.split("-")[1]), 3 * 100_000)
expect("no topic", producer.xadd("nowhere", {"value": "lost"}, nomkstream=True), None)

if MAJOR >= 5:
    third = connect(protocol=3, client_name="resp3:w", single_connection_client=True)
    expect("RESP3 record", flat(third.blpop(KEY, timeout=4)), record(0, "one"))
    expect("RESP3 map", third.hgetall("stats")["producer.unflushed.messages"], "0")
    expect("RESP3 ack", third.rpush("acks", f"{TOPIC}:0:0"), 1)
else:
    second = connect(client_name="resp3:w", single_connection_client=True)
    expect("record", flat(second.blpop(KEY, timeout=4)), record(0, "one"))
    expect("ack", second.rpush("acks", f"{TOPIC}:0:0"), 1)
