#include "sluice.h"

#include <string.h>

// sluice_produce queues a copy of one record. A null value is a tombstone, and a null key is no key. Both may also be
// empty.
rd_kafka_resp_err_t sluice_produce(rd_kafka_topic_t *rkt, void *value, size_t value_len, void *key, size_t key_len,
	uint64_t opaque) {
	if (rd_kafka_produce(rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, value_len, key, key_len,
		    (void *)(uintptr_t)opaque) == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_last_error();
}

// unpack_headers reads the headers that Go's PackHeaders wrote: for each the length of its name and of its value, then
// both. A value of length -1 is null.
static rd_kafka_headers_t *unpack_headers(const char *at, size_t len) {
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

// sluice_produce_detailed is sluice_produce for a record with a partition, a timestamp and packed headers. The partition
// -1 is any, the timestamp 0 is now.
rd_kafka_resp_err_t sluice_produce_detailed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, void *value, size_t value_len,
	void *key, size_t key_len, uint64_t opaque, int32_t partition, int64_t timestamp, const char *headers,
	size_t headers_len) {
	rd_kafka_headers_t *list = headers_len > 0 ? unpack_headers(headers, headers_len) : NULL;
	rd_kafka_resp_err_t err = rd_kafka_producev(rk, RD_KAFKA_VTYPE_RKT, rkt, RD_KAFKA_VTYPE_PARTITION, partition,
		RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_VALUE, value, value_len, RD_KAFKA_VTYPE_KEY,
		key, key_len, RD_KAFKA_VTYPE_OPAQUE, (void *)(uintptr_t)opaque, RD_KAFKA_VTYPE_TIMESTAMP, timestamp,
		list ? RD_KAFKA_VTYPE_HEADERS : RD_KAFKA_VTYPE_END, list, RD_KAFKA_VTYPE_END);

	// librdkafka owns the headers only when it took the record.
	if (err && list)
		rd_kafka_headers_destroy(list);
	return err;
}

// sluice_produce_packed queues copies of records that lie one behind the other. It stops at the first that librdkafka
// refuses, and when the call has lasted long enough.
sluice_produced sluice_produce_packed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, const char *records, size_t len) {
	sluice_produced p = {0};
	size_t most = len < SLUICE_MOST_BYTES ? len : SLUICE_MOST_BYTES;

	for (; p.bytes < most && p.count < SLUICE_MOST_RECORDS; p.count++) {
		sluice_packed r; // a copy: records are not aligned
		char *key, *value, *headers;
		size_t key_len, value_len;

		memcpy(&r, records + p.bytes, sizeof(r));
		key = (char *)records + p.bytes + sizeof(r);
		key_len = r.key_len < 0 ? 0 : (size_t)r.key_len;
		value = key + key_len;
		value_len = r.value_len < 0 ? 0 : (size_t)r.value_len;
		headers = value + value_len;
		if (r.key_len < 0)
			key = NULL;
		if (r.value_len < 0)
			value = NULL;
		if (r.partition == RD_KAFKA_PARTITION_UA && r.timestamp == 0 && r.headers_len == 0)
			p.err = sluice_produce(rkt, value, value_len, key, key_len, r.opaque);
		else
			p.err = sluice_produce_detailed(rk, rkt, value, value_len, key, key_len, r.opaque, r.partition,
				r.timestamp, headers, (size_t)r.headers_len);
		if (p.err)
			break;
		p.bytes = (size_t)(headers - records) + (size_t)r.headers_len;
	}
	return p;
}

// sluice_poll takes the next event of a queue and does not wait.
sluice_polled sluice_poll(rd_kafka_queue_t *queue) {
	sluice_polled p = {.event = rd_kafka_queue_poll(queue, 0)};

	if (p.event)
		p.type = rd_kafka_event_type(p.event);
	return p;
}

// sluice_reports moves up to size delivery reports out of a delivery event, and returns their number: 0 when the event
// has no more. first says that nothing has been moved out of the event before.
size_t sluice_reports(rd_kafka_event_t *event, sluice_report *out, size_t size, int first) {
	const rd_kafka_message_t *batch[256];
	size_t n, i;

	if (size > sizeof(batch) / sizeof(*batch))
		size = sizeof(batch) / sizeof(*batch);
	n = rd_kafka_event_message_array(event, batch, size);
	for (i = 0; i < n; i++) {
		const rd_kafka_message_t *m = batch[i];
		rd_kafka_timestamp_type_t type;

		out[i] = (sluice_report){
			.opaque = (uint64_t)(uintptr_t)m->_private,
			.offset = m->offset,
			.timestamp = rd_kafka_message_timestamp(m, &type),
			.partition = m->partition,
			.err = m->err,
			.status = (int32_t)rd_kafka_message_status(m),
			.alone = n == 1 && first,
			.topic = (uintptr_t)m->rkt,
			.size = (int64_t)(m->len + m->key_len),
			.latency = i % SLUICE_SAMPLE == 0 ? rd_kafka_message_latency(m) : -1,
			.message = (uintptr_t)m,
		};
	}
	return n;
}

// sluice_content_of reads the record of a report. librdkafka tells the timestamp of a record only while the record has no
// error.
void sluice_content_of(uintptr_t message, sluice_content *out) {
	rd_kafka_message_t *m = (rd_kafka_message_t *)message;
	rd_kafka_headers_t *headers;
	rd_kafka_timestamp_type_t type;
	rd_kafka_resp_err_t err = m->err;

	out->key = (uintptr_t)m->key;
	out->key_len = m->key_len;
	out->value = (uintptr_t)m->payload;
	out->value_len = m->len;
	out->spent = rd_kafka_message_latency(m);
	m->err = RD_KAFKA_RESP_ERR_NO_ERROR;
	out->timestamp = rd_kafka_message_timestamp(m, &type);
	m->err = err;
	out->headers = rd_kafka_message_headers(m, &headers) == 0 ? (uintptr_t)headers : 0;
}

// describe fills out from a fetched message, and returns the message's size.
static size_t describe(rd_kafka_message_t *m, sluice_message *out) {
	rd_kafka_headers_t *headers;
	rd_kafka_timestamp_type_t type;

	*out = (sluice_message){
		.value = (uintptr_t)m->payload,
		.value_len = m->len,
		.key = (uintptr_t)m->key,
		.key_len = m->key_len,
		.offset = m->offset,
		.timestamp = -1,
		.err = m->err,
	};
	if (m->err)
		return 0;
	out->timestamp = rd_kafka_message_timestamp(m, &type);
	if (rd_kafka_message_headers(m, &headers) == 0)
		out->headers = (uintptr_t)headers;
	return m->key_len + m->len;
}

// sluice_fetch first takes FIRST messages: nobody knows their size before. It never takes more than STEP at a time.
enum { FIRST = 4, STEP = 64 };

// step is how many messages to take next, when count messages of so many bytes were taken. It is as many as fit by the
// average size, but not more than are wanted.
static size_t step(size_t wanted, size_t room, size_t count, size_t taken) {
	size_t fit;

	if (count == 0)
		return wanted < FIRST ? wanted : FIRST;
	fit = room / (taken / count + 1) + 1;
	wanted = wanted < STEP ? wanted : STEP;
	return wanted < fit ? wanted : fit;
}

// sluice_fetch moves the messages that a partition's queue holds right now, and does not wait. It stops after size
// messages, and when about so many bytes were moved.
sluice_fetched sluice_fetch(rd_kafka_queue_t *queue, uintptr_t *messages, sluice_message *out, size_t size, size_t bytes) {
	sluice_fetched f = {0};
	size_t taken = 0;

	while (f.count < size && taken < bytes) {
		ssize_t most = (ssize_t)step(size - f.count, bytes - taken, f.count, taken), got, i;

		got = rd_kafka_consume_batch_queue(queue, 0, (rd_kafka_message_t **)(messages + f.count), (size_t)most);
		for (i = 0; i < got; i++, f.count++)
			taken += describe((rd_kafka_message_t *)messages[f.count], &out[f.count]);
		if (got < most)
			break;
	}
	f.left = rd_kafka_queue_length(queue);
	return f;
}

// sluice_free gives messages of sluice_fetch back.
void sluice_free(const uintptr_t *messages, size_t count) {
	for (size_t i = 0; i < count; i++)
		rd_kafka_message_destroy((rd_kafka_message_t *)messages[i]);
}

// sluice_commit begins a commit. An event on the queue, which sluice_ticket recognises, says how the commit ended.
rd_kafka_resp_err_t sluice_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
	rd_kafka_queue_t *queue, uint64_t ticket) {
	return rd_kafka_commit_queue(rk, offsets, queue, NULL, (void *)(uintptr_t)ticket);
}

uint64_t sluice_ticket(rd_kafka_event_t *event) {
	return (uint64_t)(uintptr_t)rd_kafka_event_opaque(event);
}
