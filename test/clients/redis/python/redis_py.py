"""What an application does with redis-py, or with valkey-py, which has the same calls: redis_py.py STEP.

HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, TOPIC, KEY and TYPED come from the environment.
"""

import inspect
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

try:
    from redis import Redis, RedisError
except ImportError:
    from valkey import Redis, RedisError

KEY, NAME, GROUP = os.environ["KEY"], os.environ["NAME"], os.environ["GROUP"]
PROTOCOL = int(os.environ["PROTOCOL"])
HAS_PROTOCOL = "protocol" in inspect.signature(Redis.__init__).parameters  # since 5.0


def client(**options):
    if HAS_PROTOCOL:
        options["protocol"] = PROTOCOL
    return Redis(os.environ["HOST"], int(os.environ["PORT"]), password=os.environ["PASSWORD"], **options)


def text(element):
    return element.decode() if isinstance(element, bytes) else str(element)


def show(*fields):
    sys.stdout.write("\t".join(map(text, fields)) + "\n")  # one call, so that threads do not mix their lines
    sys.stdout.flush()


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, want {wanted!r}")


def typed(r, key, seconds):
    return r.blpop(key, timeout=seconds)


def raw(r, key, seconds):
    return r.execute_command("BLPOP", key, seconds)


def take(r, pop, seconds=2):
    """Takes a record, and acknowledges it if its reply says where it is: topic T partition P offset O value V."""
    record = pop(r, KEY, seconds)
    if record is not None:
        show("got", *record)
        if len(record) == 8:
            _, topic, _, partition, _, offset, _, _ = map(text, record)
            r.rpush("acks", f"{topic}:{partition}:{offset}")
    return record


def connect():
    if PROTOCOL == 3 and not HAS_PROTOCOL:
        return show("none", "connect", "this version speaks RESP2 only")
    r = client(client_name=NAME)
    expect(r.ping(), True)
    show("name", r.client_getname())


def produce():
    r = client()
    expect(r.rpushx(KEY, "alone"), 1)
    expect(r.rpush(KEY, "waited"), 1)
    expect(r.lpush(KEY, "left"), 1)
    for prefix, transaction in ("p", False), ("m", True):
        with r.pipeline(transaction=transaction) as pipe:
            for i in range(100):
                pipe.rpushx(KEY, f"{prefix}-{i}")
            expect(pipe.execute(), [1] * 100)
    expect(r.rpush(KEY, "k" * 900_000), 1)
    expect(r.rpush(KEY, bytes(range(256))), 1)
    expect(r.rpush(KEY, ""), 1)
    expect(r.rpush(f"{KEY}:ключ", "utf8"), 1)
    entry = r.xadd(
        os.environ["TOPIC"], {"value": "added", "key": "c-17", "traceparent": "00-1-2-01"}, maxlen=1000, nomkstream=True
    )
    millis, sequence = text(entry).split("-")
    show("id", millis, int(sequence) % 100_000, int(sequence) // 100_000)


def consume(pop):
    r = client(client_name=NAME)
    while take(r, pop) is not None:
        pass


def pool(pop):
    r = client()  # a pool of connections, for all threads

    def work(i):
        for j in range(25):
            expect(r.rpush(KEY, f"w{i}-{j}"), 1)
        me = {"sluice.group": GROUP, "sluice.name": f"w{i}", "sluice.ack": "auto"}
        while (record := pop(r, f"{KEY}:{json.dumps(me)}", 2)) is not None:
            show("got", *record)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))


def patience(pop):
    try:
        expect(pop(client(client_name=NAME), KEY, 7), None)
        show("nil")
    except RedisError as e:
        show("error", type(e).__name__)


def restart(pop):
    r = client(client_name=NAME)
    expect(r.rpush(KEY, "before"), 1)
    show("ready")
    sys.stdin.readline()  # sluice stops and starts meanwhile
    show("tries", until_it_goes(lambda: r.rpush(KEY, "after")))
    missing, raised = {b"before", b"after"}, 0
    while missing and raised < 50:
        try:
            missing.discard((take(r, pop) or [None])[-1])
        except RedisError as e:
            if raised == 0:
                show("error", e)
            raised += 1
            time.sleep(0.2)
    expect(missing, set())


def until_it_goes(call):
    """Calls it up to 50 times, and says how often it raised."""
    for tries in range(50):
        try:
            call()
            return tries
        except RedisError:
            time.sleep(0.2)
    sys.exit("it raised 50 times")


pop = typed if os.environ.get("TYPED") == "1" else raw
steps = {
    "connect": connect,
    "produce": produce,
    "typed": lambda: consume(typed),
    "raw": lambda: consume(raw),
    "pool": lambda: pool(pop),
    "patience": lambda: patience(pop),
    "restart": lambda: restart(pop),
}
steps[sys.argv[1]]()
