"""What an application does with valkey-glide: valkey_glide.py STEP.

HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, TOPIC, KEY and TYPED come from the environment.
"""

import asyncio
import json
import os
import sys

from glide import (
    Batch,
    GlideClient,
    GlideClientConfiguration,
    GlideError,
    NodeAddress,
    ProtocolVersion,
    ServerCredentials,
)

KEY, NAME, GROUP = os.environ["KEY"], os.environ["NAME"], os.environ["GROUP"]
PROTOCOLS = {"2": ProtocolVersion.RESP2, "3": ProtocolVersion.RESP3}


# By default it waits for 250 ms, and RPUSH for the brokers: longer when they are busy. sluice answers within 30 s.
ENOUGH = 35_000


async def client(name=None, request_timeout=ENOUGH):
    return await GlideClient.create(
        GlideClientConfiguration(
            [NodeAddress(os.environ["HOST"], int(os.environ["PORT"]))],
            credentials=ServerCredentials(os.environ["PASSWORD"]),
            protocol=PROTOCOLS[os.environ["PROTOCOL"]],
            client_name=name,
            request_timeout=request_timeout,
        )
    )


def text(element):
    return element.decode() if isinstance(element, bytes) else str(element)


def show(*fields):
    print(*map(text, fields), sep="\t", flush=True)


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, want {wanted!r}")


async def typed(c, key, seconds):
    return await c.blpop([key], seconds)


async def raw(c, key, seconds):
    return await c.custom_command(["BLPOP", key, str(seconds)])


async def take(c, pop):
    """Takes a record, and acknowledges it if its reply says where it is: topic T partition P offset O value V."""
    record = await pop(c, KEY, 2)
    if record is not None:
        show("got", *record)
        if len(record) == 8:
            _, topic, _, partition, _, offset, _, _ = map(text, record)
            await c.rpush("acks", [f"{topic}:{partition}:{offset}"])
    return record


async def connect(_):
    c = await client(NAME)
    expect(await c.ping(), b"PONG")
    show("name", await c.client_getname())


async def produce(_):
    c = await client()
    expect(await c.rpushx(KEY, ["alone"]), 1)
    expect(await c.rpush(KEY, ["waited"]), 1)
    expect(await c.lpush(KEY, ["left"]), 1)
    for prefix, atomic in ("p", False), ("m", True):
        batch = Batch(is_atomic=atomic)
        for i in range(100):
            batch.rpushx(KEY, [f"{prefix}-{i}"])
        expect(await c.exec(batch, raise_on_error=True), [1] * 100)
    expect(await c.rpush(KEY, ["k" * 900_000]), 1)
    expect(await c.rpush(KEY, [bytes(range(256))]), 1)
    expect(await c.rpush(KEY, [""]), 1)
    expect(await c.rpush(f"{KEY}:ключ", ["utf8"]), 1)


async def consume(pop):
    c = await client(NAME)
    while await take(c, pop) is not None:
        pass


async def pool(pop):
    c = await client()

    async def work(i):
        for j in range(25):
            expect(await c.rpush(KEY, [f"w{i}-{j}"]), 1)
        own = await client()  # a client is one connection, and who waits needs it alone
        me = {"sluice.group": GROUP, "sluice.name": f"w{i}", "sluice.ack": "auto"}
        while (record := await pop(own, f"{KEY}:{json.dumps(me)}", 2)) is not None:
            show("got", *record)

    await asyncio.gather(*map(work, range(8)))


async def patience(pop):
    c = await client(NAME, request_timeout=None)
    try:
        expect(await pop(c, KEY, 7), None)
        show("nil")
    except GlideError as e:
        show("error", type(e).__name__)


async def restart(pop):
    c = await client(NAME)
    expect(await c.rpush(KEY, ["before"]), 1)
    show("ready")
    await asyncio.to_thread(sys.stdin.readline)  # sluice stops and starts meanwhile
    show("tries", await until_it_goes(lambda: c.rpush(KEY, ["after"])))
    missing, raised = {b"before", b"after"}, 0
    while missing and raised < 50:
        try:
            missing.discard((await take(c, pop) or [None])[-1])
        except GlideError as e:
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
        except GlideError:
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
