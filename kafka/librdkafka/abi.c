#include "abi.h"

#include <malloc.h>

enum { PARTITION_UNASSIGNED = -1, MSG_F_COPY = 2 };

// sluice_produce queues one record and returns librdkafka's error code, 0 when it was taken.
// A null value is a tombstone and a null key is no key; both may be empty instead.
int sluice_produce(rd_kafka_topic_t *rkt, void *value, size_t value_len, void *key, size_t key_len, uint64_t opaque) {
	if (rd_kafka_produce(rkt, PARTITION_UNASSIGNED, MSG_F_COPY, value, value_len, key, key_len,
			     (void *)(uintptr_t)opaque) == 0)
		return 0;
	return rd_kafka_last_error();
}

// The tags of rd_kafka_producev's arguments (rd_kafka_vtype_t).
enum { V_END, V_TOPIC, V_RKT, V_PARTITION, V_VALUE, V_KEY, V_OPAQUE, V_MSGFLAGS, V_TIMESTAMP, V_HEADER, V_HEADERS };

// unpack makes a list of what Go's PackHeaders wrote: of each header the length of its name and of its value,
// -1 for a null, then both.
static rd_kafka_headers_t *unpack(const char *at, size_t len) {
	rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
	const char *end = at + len;

	while (at < end) {
		const char *name, *value;
		int32_t sizes[2];

		memcpy(sizes, at, sizeof(sizes));
		name = at + sizeof(sizes);
		value = name + sizes[0];
		at = value + (sizes[1] < 0 ? 0 : sizes[1]);
		rd_kafka_header_add(headers, name, sizes[0], sizes[1] < 0 ? NULL : value, sizes[1] < 0 ? 0 : sizes[1]);
	}
	return headers;
}

// sluice_produce_detailed is sluice_produce for a record that says its partition, -1 for any, its timestamp,
// 0 for now, and its headers, packed.
int sluice_produce_detailed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, void *value, size_t value_len, void *key,
			    size_t key_len, uint64_t opaque, int32_t partition, int64_t timestamp, const char *headers,
			    size_t headers_len) {
	rd_kafka_headers_t *list = headers_len > 0 ? unpack(headers, headers_len) : NULL;
	int err = rd_kafka_producev(rk, V_RKT, rkt, V_PARTITION, partition, V_MSGFLAGS, MSG_F_COPY, V_VALUE, value, value_len,
				    V_KEY, key, key_len, V_OPAQUE, (void *)(uintptr_t)opaque, V_TIMESTAMP, timestamp,
				    list ? V_HEADERS : V_END, list, V_END);

	// It takes the list only when it takes the record.
	if (err && list)
		rd_kafka_headers_destroy(list);
	return err;
}

// sluice_produce_packed queues copies of records that lie one behind the other, as far as they are taken.
sluice_end sluice_produce_packed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, char *records, size_t len) {
	sluice_end end = {0, 0, 0};

	while (end.taken < len) {
		sluice_packed r; // a copy: records are not aligned
		char *key, *value, *headers;
		size_t key_len, value_len;

		memcpy(&r, records + end.taken, sizeof(r));
		key = records + end.taken + sizeof(r);
		key_len = r.key_len < 0 ? 0 : (size_t)r.key_len;
		value = key + key_len;
		value_len = r.value_len < 0 ? 0 : (size_t)r.value_len;
		headers = value + value_len;
		if (r.key_len < 0)
			key = NULL;
		if (r.value_len < 0)
			value = NULL;
		if (r.partition == PARTITION_UNASSIGNED && r.timestamp == 0 && r.headers_len == 0)
			end.err = sluice_produce(rkt, value, value_len, key, key_len, r.opaque);
		else
			end.err = sluice_produce_detailed(rk, rkt, value, value_len, key, key_len, r.opaque, r.partition,
							  r.timestamp, headers, (size_t)r.headers_len);
		if (end.err)
			break;
		end.records++;
		end.taken = (size_t)(headers - records) + (size_t)r.headers_len;
	}
	return end;
}

// sluice_reports moves up to size delivery reports out of a delivery event; 0 when it is exhausted.
size_t sluice_reports(rd_kafka_event_t *event, sluice_report *out, size_t size) {
	const rd_kafka_message_t *batch[256];
	size_t i, n;
	int type;

	if (size > sizeof(batch) / sizeof(*batch))
		size = sizeof(batch) / sizeof(*batch);
	n = rd_kafka_event_message_array(event, batch, size);
	for (i = 0; i < n; i++) {
		out[i].opaque = (uint64_t)(uintptr_t)batch[i]->opaque;
		out[i].offset = batch[i]->offset;
		out[i].timestamp = rd_kafka_message_timestamp(batch[i], &type);
		out[i].partition = batch[i]->partition;
		out[i].err = batch[i]->err;
		out[i].topic = (uintptr_t)batch[i]->rkt;
		out[i].status = rd_kafka_message_status(batch[i]);
		out[i].latency = i % SLUICE_SAMPLE == 0 ? rd_kafka_message_latency(batch[i]) : -1;
	}
	return n;
}

// sluice_fetch takes what a partition's queue holds right now, at most size messages, without waiting.
ssize_t sluice_fetch(rd_kafka_queue_t *queue, uintptr_t *messages, sluice_message *out, size_t size) {
	ssize_t i, n = rd_kafka_consume_batch_queue(queue, 0, (rd_kafka_message_t **)messages, size);
	int type;

	for (i = 0; i < n; i++) {
		rd_kafka_message_t *m = (rd_kafka_message_t *)messages[i];
		rd_kafka_headers_t *headers;

		out[i].value = (uintptr_t)m->payload;
		out[i].value_len = m->len;
		out[i].key = (uintptr_t)m->key;
		out[i].key_len = m->key_len;
		out[i].offset = m->offset;
		out[i].err = m->err;
		out[i].headers = 0;
		out[i].timestamp = -1;
		if (m->err)
			continue;
		out[i].timestamp = rd_kafka_message_timestamp(m, &type);
		if (rd_kafka_message_headers(m, &headers) == 0)
			out[i].headers = (uintptr_t)headers;
	}
	return n;
}

// sluice_commit begins a commit; an event on the queue, which sluice_ticket knows again, says how it ended.
int sluice_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_queue_t *queue,
		  uint64_t ticket) {
	return rd_kafka_commit_queue(rk, offsets, queue, NULL, (void *)(uintptr_t)ticket);
}

uint64_t sluice_ticket(rd_kafka_event_t *event) {
	return (uint64_t)(uintptr_t)rd_kafka_event_opaque(event);
}

void sluice_free(uintptr_t *messages, size_t n) {
	size_t i;
	for (i = 0; i < n; i++)
		rd_kafka_message_destroy((rd_kafka_message_t *)messages[i]);
}

// sluice_arenas bounds glibc's malloc arenas: each of librdkafka's threads would otherwise get its
// own, and fifty consumers would keep hundreds of megabytes of fragments.
void sluice_arenas(int n) {
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, n);
#else
	(void)n;
#endif
}
