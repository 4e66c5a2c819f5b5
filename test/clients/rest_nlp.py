"""nlp-kafka-rest-api as it is: url topic. Consumes <topic>-response, as it does."""

import sys
import uuid

from kafka_rest import Consumer, Producer

url, topic = sys.argv[1:]
where = {"kafka_rest_api_url": url, "topic_id": topic}

keys = Producer(**where).produce([{"text": "one"}, {"text": "two"}], "pke")
assert len(keys) == 2 and all(uuid.UUID(key) for key in keys), keys

# Who answers writes to another topic.
answers = Producer(kafka_rest_api_url=url, topic_id=topic + "-response")
answers.produce([{"phrase": "uno"}, {"phrase": "dos"}], "pke", keys=keys)

with Consumer(**where, consumer_group="nlp", instance="w1") as consumer:
    got = [record for records, _ in consumer.consume(keys, interval_sec=0.1) for record in records]
assert [r["value"]["payload"]["phrase"] for r in got] == ["uno", "dos"], got
assert [r["key"] for r in got] == keys, got

# Deleted is deleted: the name is free again.
with Consumer(**where, consumer_group="nlp", instance="w1"):
    pass
print("nlp-kafka-rest-api:", got)
