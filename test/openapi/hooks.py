"""What schemathesis must be told of NDJSON: a body is a list of the items that x-itemSchema describes."""

import json

import schemathesis

NDJSON = "application/x-ndjson"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for content in contents(raw_schema):
        if "x-itemSchema" in content.get(NDJSON, {}):
            content[NDJSON] = {"schema": {"type": "array", "items": content[NDJSON]["x-itemSchema"]}}


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
