"""An old application whose orders go into an old SQL server, which is SQLite here. Python's standard library is all it needs.

legacy.py init DB                     makes the database
legacy.py work resp|http ADDR DB NAME consumes orders and returns as NAME of the group billing, until it is killed
legacy.py stall DB                    locks the database until it is killed
legacy.py thaw DB CUSTOMER            takes a customer's orders again
legacy.py dump DB                     prints what was booked, in order, one JSON object a line
"""

import json
import os
import signal
import socket
import sqlite3
import sys
import time
import traceback
import urllib.error
import urllib.request

PATIENCE = 0.3  # seconds that the application waits for a lock
SCHEMA = """
CREATE TABLE booked (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, customer TEXT NOT NULL, seq INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), attempt INTEGER NOT NULL);
CREATE TABLE frozen (customer TEXT PRIMARY KEY);
INSERT INTO frozen VALUES ('c-0'), ('gone');
CREATE TRIGGER credit BEFORE INSERT ON booked WHEN EXISTS (SELECT 1 FROM frozen WHERE customer = NEW.customer)
BEGIN SELECT RAISE(ABORT, 'customer is frozen'); END;
"""


def connect(path, patience=PATIENCE):
    return sqlite3.connect(path, timeout=patience, isolation_level=None)


def say(*words):
    print(*words, flush=True)


def book(path, where, order, attempt):
    """Books an order once. It reads before it writes: two of these at once are a deadlock, and one of them has to give way."""
    if order.get("kills"):
        os.kill(os.getpid(), signal.SIGKILL)
    db = connect(path)
    try:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM booked WHERE customer = ?", (order["customer"],)).fetchone()
        db.execute(
            "INSERT INTO booked (id, customer, seq, amount, attempt) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (where, order["customer"], order["seq"], order["amount"], attempt),
        )
        db.execute("COMMIT")
    finally:
        db.close()


def handle(path, where, value, attempt):
    """Returns what becomes of the record, and why."""
    say("holds", where, attempt)
    try:
        book(path, where, json.loads(value), attempt)
        return "accept", None
    except sqlite3.Error as e:
        why = {"class": e.sqlite_errorname, "message": str(e)}
        if e.sqlite_errorname != "SQLITE_CONSTRAINT_CHECK":
            if where.startswith("orders"):
                why["delay_ms"] = 200
            return "release", why
        return "reject", why | {"backtrace": traceback.format_exc()}


class Redis:
    """As much of the protocol as a worker needs."""

    def __init__(self, addr):
        host, port = addr.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.file = self.socket.makefile("rb")

    def call(self, *words):
        out = b"*%d\r\n" % len(words)
        for word in words:
            word = str(word).encode()
            out += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(out)
        return self.reply()

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            return RuntimeError(rest)
        if kind == b"$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == "-1" else [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest


def work_resp(addr, path, name):
    redis = Redis(addr)
    redis.call("CLIENT", "SETNAME", "billing:" + name)
    while True:
        got = redis.call("BLPOP", 'topics:orders,returns:{"sluice.reply":"full"}', 1)
        if isinstance(got, RuntimeError):
            say("told", got)
            time.sleep(0.1)
            continue
        if got is None:
            continue
        record = dict(zip(got[::2], got[1::2]))
        where = "{topic}:{partition}:{offset}".format(**record)
        verb, why = handle(path, where, record["value"], record["attempt"])
        said = [json.dumps(why)] if why else []
        say(verb, where, redis.call("RPUSH", verb + "s", where, *said))


def work_http(addr, path, _):
    group = "http://" + addr + "/v1/groups/billing/"
    while True:
        with urllib.request.urlopen(group + "messages?topics=orders,returns&max=1&wait=1s", timeout=60) as answer:
            records = json.load(answer)
        for record in records:
            where = "{topic}:{partition}:{offset}".format(**record)
            verb, why = handle(path, where, json.dumps(record["value"]), record["delivery"])
            body = {"ack" if verb == "accept" else verb: [{"lease": record["lease"], **(why or {})}]}
            with urllib.request.urlopen(group + "acks", json.dumps(body).encode(), timeout=60) as answer:
                say(verb, where, answer.read().decode())


def work(door, *rest):
    loop = {"resp": work_resp, "http": work_http}[door]
    while True:
        try:
            loop(*rest)
        except (OSError, ConnectionError, urllib.error.URLError) as e:  # sluice is away
            say("told", e)
            time.sleep(0.1)


def stall(path):
    db = connect(path, 60)
    db.execute("BEGIN EXCLUSIVE")
    say("stalled")
    signal.pause()


def main(verb, *args):
    if verb == "init":
        connect(args[0]).executescript(SCHEMA)
    elif verb == "work":
        work(*args)
    elif verb == "stall":
        stall(*args)
    elif verb == "thaw":
        connect(args[0], 60).execute("DELETE FROM frozen WHERE customer = ?", args[1:])
    elif verb == "dump":
        db = connect(args[0], 60)
        db.row_factory = sqlite3.Row
        for row in db.execute("SELECT id, customer, seq, attempt FROM booked ORDER BY number"):
            print(json.dumps(dict(row)))


main(*sys.argv[1:])
