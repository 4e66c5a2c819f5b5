#include "abi.h"

#include <malloc.h>

enum { PARTITION_UNASSIGNED = -1, MSG_F_COPY = 2 };
enum { TRIM = 2 << 20, MMAP = 4 << 20 };

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

// sluice_produce_packed queues copies of records that lie one behind the other, as far as they are taken, and as one
// call should take.
void sluice_produce_packed(void *producing) {
	sluice_producing *p = producing;
	size_t most = p->len < SLUICE_BYTES ? p->len : SLUICE_BYTES;

	for (p->count = p->taken = 0, p->err = 0; p->taken < most && p->count < SLUICE_RECORDS; p->count++) {
		sluice_packed r; // a copy: records are not aligned
		char *key, *value, *headers;
		size_t key_len, value_len;

		memcpy(&r, p->records + p->taken, sizeof(r));
		key = (char *)p->records + p->taken + sizeof(r);
		key_len = r.key_len < 0 ? 0 : (size_t)r.key_len;
		value = key + key_len;
		value_len = r.value_len < 0 ? 0 : (size_t)r.value_len;
		headers = value + value_len;
		if (r.key_len < 0)
			key = NULL;
		if (r.value_len < 0)
			value = NULL;
		if (r.partition == PARTITION_UNASSIGNED && r.timestamp == 0 && r.headers_len == 0)
			p->err = sluice_produce(p->rkt, value, value_len, key, key_len, r.opaque);
		else
			p->err = sluice_produce_detailed(p->rk, p->rkt, value, value_len, key, key_len, r.opaque, r.partition,
							 r.timestamp, headers, (size_t)r.headers_len);
		if (p->err)
			return;
		p->taken = (size_t)(headers - p->records) + (size_t)r.headers_len;
	}
}

// sluice_poll takes the next event of a queue without waiting.
void sluice_poll(void *polling) {
	sluice_polling *p = polling;

	p->event = rd_kafka_queue_poll(p->queue, 0);
	if (p->event)
		p->type = rd_kafka_event_type(p->event);
}

// sluice_reports moves up to size delivery reports out of a delivery event; n is 0 when it is exhausted.
void sluice_reports(void *reporting) {
	sluice_reporting *r = reporting;
	const rd_kafka_message_t *batch[256];
	size_t i;
	int type;

	if (r->size > sizeof(batch) / sizeof(*batch))
		r->size = sizeof(batch) / sizeof(*batch);
	r->n = rd_kafka_event_message_array(r->event, batch, r->size);
	for (i = 0; i < r->n; i++) {
		sluice_report *out = &r->out[i];

		out->opaque = (uint64_t)(uintptr_t)batch[i]->opaque;
		out->offset = batch[i]->offset;
		out->timestamp = rd_kafka_message_timestamp(batch[i], &type);
		out->partition = batch[i]->partition;
		out->err = batch[i]->err;
		out->topic = (uintptr_t)batch[i]->rkt;
		out->size = (int64_t)(batch[i]->len + batch[i]->key_len);
		out->status = rd_kafka_message_status(batch[i]);
		out->latency = i % SLUICE_SAMPLE == 0 ? rd_kafka_message_latency(batch[i]) : -1;
		out->alone = r->n == 1 && !r->begun;
		out->message = (uintptr_t)batch[i];
	}
	r->begun = 1;
}

// sluice_content_of reads a record that was reported. librdkafka keeps the timestamp of one that failed to itself
// until it has no error.
void sluice_content_of(uintptr_t message, sluice_content *out) {
	rd_kafka_message_t *m = (rd_kafka_message_t *)message;
	rd_kafka_headers_t *headers;
	int err = m->err, type;

	out->key = (uintptr_t)m->key;
	out->key_len = m->key_len;
	out->value = (uintptr_t)m->payload;
	out->value_len = m->len;
	out->spent = rd_kafka_message_latency(m);
	m->err = 0;
	out->timestamp = rd_kafka_message_timestamp(m, &type);
	m->err = err;
	out->headers = rd_kafka_message_headers(m, &headers) == 0 ? (uintptr_t)headers : 0;
}

// describe says what Go needs of a message, and returns its size.
static size_t describe(rd_kafka_message_t *m, sluice_message *out) {
	rd_kafka_headers_t *headers;
	int type;

	out->value = (uintptr_t)m->payload;
	out->value_len = m->len;
	out->key = (uintptr_t)m->key;
	out->key_len = m->key_len;
	out->offset = m->offset;
	out->err = m->err;
	out->headers = 0;
	out->timestamp = -1;
	if (m->err)
		return 0;
	out->timestamp = rd_kafka_message_timestamp(m, &type);
	if (rd_kafka_message_headers(m, &headers) == 0)
		out->headers = (uintptr_t)headers;
	return m->key_len + m->len;
}

// step is how many messages to take next: as many as will be about what may still come, by the average of those taken.
static size_t step(const sluice_fetching *f, size_t taken) {
	size_t most = f->size - (size_t)f->n, fit;

	if (f->n == 0)
		return most < SLUICE_FIRST ? most : SLUICE_FIRST;
	fit = (f->bytes - taken) / (taken / (size_t)f->n + 1) + 1;
	most = most < SLUICE_STEP ? most : SLUICE_STEP;
	return most < fit ? most : fit;
}

// sluice_fetch takes what a partition's queue holds right now, at most size messages or about so many bytes, without
// waiting.
void sluice_fetch(void *fetching) {
	sluice_fetching *f = fetching;
	size_t taken = 0;

	f->n = 0;
	while ((size_t)f->n < f->size && taken < f->bytes) {
		ssize_t most = (ssize_t)step(f, taken), got, i;

		got = rd_kafka_consume_batch_queue(f->queue, 0, (rd_kafka_message_t **)(f->messages + f->n), (size_t)most);
		for (i = 0; i < got; i++, f->n++)
			taken += describe((rd_kafka_message_t *)f->messages[f->n], &f->out[f->n]);
		if (got < most)
			break;
	}
	f->left = rd_kafka_queue_length(f->queue);
}

// sluice_count tells how many messages and errors a partition's queue holds.
void sluice_count(void *counting) {
	sluice_counting *c = counting;

	c->n = rd_kafka_queue_length(c->queue);
}

// sluice_free gives back what sluice_fetch took.
void sluice_free(void *fetching) {
	sluice_fetching *f = fetching;
	ssize_t i;

	for (i = 0; i < f->n; i++)
		rd_kafka_message_destroy((rd_kafka_message_t *)f->messages[i]);
}

// sluice_commit begins a commit; an event on the queue, which sluice_ticket knows again, says how it ended.
int sluice_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_queue_t *queue,
		  uint64_t ticket) {
	return rd_kafka_commit_queue(rk, offsets, queue, NULL, (void *)(uintptr_t)ticket);
}

uint64_t sluice_ticket(rd_kafka_event_t *event) {
	return (uint64_t)(uintptr_t)rd_kafka_event_opaque(event);
}

// sluice_arenas bounds glibc's malloc arenas: each of librdkafka's threads would otherwise get its
// own, and fifty consumers would keep hundreds of megabytes of fragments. What is free at the end of an arena goes back to
// the system beyond TRIM: by itself malloc raises that bound to twice the largest block that it had of its own,
// and malloc_trim leaves these ends alone. Blocks of MMAP and more are their own.
void sluice_arenas(int n) {
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, n);
	mallopt(M_TRIM_THRESHOLD, TRIM);
	mallopt(M_MMAP_THRESHOLD, MMAP);
#else
	(void)n;
#endif
}

// sluice_kept is how much malloc keeps of what was freed: it returns only what lies at the end of an arena.
size_t sluice_kept(void) {
#ifdef __GLIBC__
	return mallinfo2().fordblks;
#else
	return 0;
#endif
}

// sluice_trim returns what malloc keeps to the system, as far as whole pages are free.
void sluice_trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
