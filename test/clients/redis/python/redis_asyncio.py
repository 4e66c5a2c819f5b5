"""What an application does with redis.asyncio: redis_asyncio.py STEP.

HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, TOPIC, KEY and TYPED come from the environment.
"""

import asyncio
import json
import os
import sys

from redis import RedisError
from redis.asyncio import Redis

KEY, NAME, GROUP = os.environ["KEY"], os.environ["NAME"], os.environ["GROUP"]


def client(**options):
    return Redis(
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        password=os.environ["PASSWORD"],
        protocol=int(os.environ["PROTOCOL"]),
        **options,
    )


def text(element):
    return element.decode() if isinstance(element, bytes) else str(element)


def show(*fields):
    print(*map(text, fields), sep="\t", flush=True)


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, want {wanted!r}")


async def typed(r, key, seconds):
    return await r.blpop(key, timeout=seconds)


async def raw(r, key, seconds):
    return await r.execute_command("BLPOP", key, seconds)


async def take(r, pop):
    """Takes a record, and acknowledges it if its reply says where it is: topic T partition P offset O value V."""
    record = await pop(r, KEY, 2)
    if record is not None:
        show("got", *record)
        if len(record) == 8:
            _, topic, _, partition, _, offset, _, _ = map(text, record)
            await r.rpush("acks", f"{topic}:{partition}:{offset}")
    return record


async def connect(_):
    async with client(client_name=NAME) as r:
        expect(await r.ping(), True)
        show("name", await r.client_getname())


async def produce(_):
    async with client() as r:
        expect(await r.rpushx(KEY, "alone"), 1)
        expect(await r.rpush(KEY, "waited"), 1)
        expect(await r.lpush(KEY, "left"), 1)
        for prefix, transaction in ("p", False), ("m", True):
            async with r.pipeline(transaction=transaction) as pipe:
                for i in range(100):
                    pipe.rpushx(KEY, f"{prefix}-{i}")
                expect(await pipe.execute(), [1] * 100)
        expect(await r.rpush(KEY, "k" * 900_000), 1)
        expect(await r.rpush(KEY, bytes(range(256))), 1)
        expect(await r.rpush(KEY, ""), 1)
        expect(await r.rpush(f"{KEY}:ключ", "utf8"), 1)


async def consume(pop):
    async with client(client_name=NAME) as r:
        while await take(r, pop) is not None:
            pass


async def pool(pop):
    async def work(i):
        for j in range(25):
            expect(await r.rpush(KEY, f"w{i}-{j}"), 1)
        me = {"sluice.group": GROUP, "sluice.name": f"w{i}", "sluice.ack": "auto"}
        while (record := await pop(r, f"{KEY}:{json.dumps(me)}", 2)) is not None:
            show("got", *record)

    async with client() as r:  # a pool of connections, for all tasks
        await asyncio.gather(*map(work, range(8)))


async def patience(pop):
    async with client(client_name=NAME) as r:
        try:
            expect(await pop(r, KEY, 7), None)
            show("nil")
        except RedisError as e:
            show("error", type(e).__name__)


async def restart(pop):
    async with client(client_name=NAME) as r:
        expect(await r.rpush(KEY, "before"), 1)
        show("ready")
        sys.stdin.readline()  # sluice stops and starts meanwhile
        show("tries", await until_it_goes(lambda: r.rpush(KEY, "after")))
        missing, raised = {b"before", b"after"}, 0
        while missing and raised < 50:
            try:
                missing.discard((await take(r, pop) or [None])[-1])
            except RedisError as e:
                if raised == 0:
                    show("error", e)
                raised += 1
                await asyncio.sleep(0.2)
        expect(missing, set())


async def until_it_goes(call):
    """Calls it up to 50 times, and says how often it raised."""
    for tries in range(50):
        try:
            await call()
            return tries
        except RedisError:
            await asyncio.sleep(0.2)
    sys.exit("it raised 50 times")


default = typed if os.environ.get("TYPED") == "1" else raw
step, pop = {
    "connect": (connect, None),
    "produce": (produce, None),
    "typed": (consume, typed),
    "raw": (consume, raw),
    "pool": (pool, default),
    "patience": (patience, default),
    "restart": (restart, default),
}[sys.argv[1]]
asyncio.run(step(pop))
