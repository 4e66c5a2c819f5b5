// The C functions of this package.
#ifndef SLUICE_H
#define SLUICE_H

#include "abi.h"

// Addresses of librdkafka's memory are uintptr_t where they lie in Go's memory. They stay there when librdkafka has freed
// its memory, and may then be an address of Go's heap. As pointers they would end the process at the next collection.

// Calls that every record costs (calls.c). Go reaches them through call_cgo.go or call_asm.go.

// A record that Go has packed: this, then the key, the value and the headers. A length of -1 is a null.
typedef struct {
	uint64_t opaque;
	int64_t timestamp;
	int32_t partition, key_len, value_len, headers_len;
} sluice_packed;

// One call of sluice_produce_packed takes at most this many records, and stops after this many bytes.
enum { SLUICE_MOST_RECORDS = 256, SLUICE_MOST_BYTES = 1 << 20 };

typedef struct {
	size_t count, bytes; // of the records that librdkafka took
	rd_kafka_resp_err_t err; // why librdkafka refused the next record; 0 when it was not asked
} sluice_produced;

sluice_produced sluice_produce_packed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, const char *records, size_t len);

typedef struct {
	rd_kafka_event_t *event; // NULL when the queue is empty
	rd_kafka_event_type_t type;
} sluice_polled;

sluice_polled sluice_poll(rd_kafka_queue_t *queue);

// The latency of every SLUICE_SAMPLE-th report is read: rd_kafka_message_latency reads the clock each time.
enum { SLUICE_SAMPLE = 16 };

// A delivery report. Go's Report has the same layout.
typedef struct {
	uint64_t opaque;
	int64_t offset;
	int64_t timestamp; // milliseconds since the epoch; -1 for a record that failed
	int32_t partition;
	int32_t err;
	int32_t status;
	int32_t alone; // 1 for the only record of its event
	uintptr_t topic;
	int64_t size; // bytes of key and value
	int64_t latency; // microseconds since produce; -1 when it was not read
	uintptr_t message;
} sluice_report;

size_t sluice_reports(rd_kafka_event_t *event, sluice_report *out, size_t size, int first);

// A fetched message. Its bytes are librdkafka's until sluice_free.
typedef struct {
	uintptr_t value; // the text of the error when err is set
	uintptr_t key;
	size_t value_len;
	size_t key_len;
	int64_t offset;
	int64_t timestamp;
	uintptr_t headers;
	int32_t err;
} sluice_message;

typedef struct {
	size_t count; // of the messages that were moved
	size_t left; // in the queue
} sluice_fetched;

sluice_fetched sluice_fetch(rd_kafka_queue_t *queue, uintptr_t *messages, sluice_message *out, size_t size, size_t bytes);
void sluice_free(const uintptr_t *messages, size_t count);

// Calls that are rarer (calls.c).

rd_kafka_resp_err_t sluice_produce(rd_kafka_topic_t *rkt, void *value, size_t value_len, void *key, size_t key_len,
	uint64_t opaque);
rd_kafka_resp_err_t sluice_produce_detailed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, void *value, size_t value_len,
	void *key, size_t key_len, uint64_t opaque, int32_t partition, int64_t timestamp, const char *headers,
	size_t headers_len);

// The content of a record whose delivery was reported. The bytes are librdkafka's until the event is destroyed.
typedef struct {
	uintptr_t key, value, headers;
	size_t key_len, value_len;
	int64_t timestamp;
	int64_t spent; // microseconds since produce
} sluice_content;

void sluice_content_of(uintptr_t message, sluice_content *out);

rd_kafka_resp_err_t sluice_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
	rd_kafka_queue_t *queue, uint64_t ticket);
uint64_t sluice_ticket(rd_kafka_event_t *event);

// The C heap (heap.c).

void sluice_arenas(int n);
int64_t sluice_heap_in_use(void);
int64_t sluice_heap_free(void);
void sluice_heap_trim(void);

// The limit of the heap for fetch responses (fetch_limiter.c).

// What the limiter knows of one consumer.
typedef struct {
	_Atomic int32_t waiting; // responses that wait; Go reads this field by itself
	int64_t since; // when the first of them arrived, in nanoseconds
	int64_t limit; // bytes of the heap; 0 for none
	uint64_t admissions; // calls of sluice_fetch_limiter_admit
	int open; // responses never wait again
} sluice_fetch_limiter;

sluice_fetch_limiter *sluice_fetch_limiter_new(rd_kafka_conf_t *conf);
void sluice_fetch_limiter_set(sluice_fetch_limiter *limiter, int64_t limit);
int sluice_fetch_limiter_holds(sluice_fetch_limiter *limiter);
void sluice_fetch_limiter_admit(sluice_fetch_limiter *limiter, int forever);

// Quotas (throttle.c).

typedef struct {
	int64_t ago; // nanoseconds since a broker last delayed an answer; -1 for never
	int32_t broker;
	int32_t ms; // the delay
} sluice_throttle;

void sluice_watch_throttle(rd_kafka_conf_t *conf, rd_kafka_type_t kind);
sluice_throttle sluice_last_throttle(rd_kafka_type_t kind);

// A thread that ends the lingering of records (flusher.c).

typedef struct sluice_flusher sluice_flusher;

// While so many records or fewer are under way, none of them lingers.
enum { SLUICE_FEW = 4 };

sluice_flusher *sluice_flusher_start(rd_kafka_t *rk);
void sluice_flusher_stop(sluice_flusher *flusher);
void sluice_flush_soon(sluice_flusher *flusher);

#endif
