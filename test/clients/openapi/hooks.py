"""What schemathesis must be told.

Of NDJSON: a body is a list of the items that x-itemSchema describes. Of answers: they keep to x-exactSchema, which says
more than the types that generators make. Of consumer instances: w1 and w2 are there,
also after they were deleted, so that calls to them say more than that they are gone.
"""

import json

import requests
import schemathesis

NDJSON = "application/x-ndjson"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for content in contents(raw_schema):
        if "x-itemSchema" in content.get(NDJSON, {}):
            content[NDJSON] = {"schema": {"type": "array", "items": content[NDJSON]["x-itemSchema"]}}
        for media in content.values():
            if "x-exactSchema" in media:
                media["schema"] = {"allOf": [media["schema"], media.pop("x-exactSchema")]}


def contents(node):
    """Every map of media types in the document."""
    if isinstance(node, dict):
        if isinstance(node.get("content"), dict):
            yield node["content"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from contents(part)


@schemathesis.serializer(NDJSON)
def to_lines(context, value):
    if isinstance(value, bytes):
        return {"data": value}
    items = value if isinstance(value, list) else [value]
    return {"data": "".join(json.dumps(item) + "\n" for item in items).encode()}


@schemathesis.deserializer(NDJSON)
def from_lines(context, response):
    return [json.loads(line) for line in response.content.splitlines() if line.strip()]


def shorten(case, path):
    """An instance that has no records answers when its time is over, which may be ten minutes."""
    if "instance" not in path or not case.path.endswith("/records"):
        return
    asked = (case.query or {}).get("timeout")
    if str(asked).isdecimal() and int(asked) > 1000:
        case.query["timeout"] = 1000


@schemathesis.hook
def before_call(context, case, kwargs):
    path = case.path_parameters or {}
    shorten(case, path)
    if isinstance(case.body, dict) and isinstance(case.body.get("partitions_count"), int):
        case.body["partitions_count"] = min(case.body["partitions_count"], 20)  # the broker is inside the test
    group, instance = path.get("group"), path.get("instance")
    if group not in ("billing", "shipping") or instance not in ("w1", "w2"):
        return
    consumers = case.operation.base_url.rstrip("/") + "/consumers/" + group
    config = {"name": instance, "format": "json", "auto.offset.reset": "earliest"}
    if requests.post(consumers, json=config).status_code == 200:
        url = consumers + "/instances/" + instance
        if instance == "w1":
            requests.post(url + "/subscription", json={"topics": ["orders"]})
        else:
            requests.post(url + "/assignments", json={"partitions": [{"topic": "orders", "partition": 0}]})
