// The part of librdkafka's C interface that sluice calls, as published in rdkafka.h of v2.15.1
// (a stable ABI since 1.0). The library itself is the static one that confluent-kafka-go vendors;
// its header is not on any include path, hence these prototypes.
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_topic_conf_s rd_kafka_topic_conf_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_op_s rd_kafka_event_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;

typedef struct {
	int err;
	rd_kafka_topic_t *rkt;
	int32_t partition;
	void *payload;
	size_t len;
	void *key;
	size_t key_len;
	int64_t offset;
	void *opaque;
} rd_kafka_message_t;

typedef struct {
	char *topic;
	int32_t partition;
	int64_t offset;
	void *metadata;
	size_t metadata_size;
	void *opaque;
	int err;
	void *priv;
} rd_kafka_topic_partition_t;

typedef struct {
	int cnt;
	int size;
	rd_kafka_topic_partition_t *elems;
} rd_kafka_topic_partition_list_t;

extern const char *rd_kafka_version_str(void);
extern const char *rd_kafka_err2str(int err);

struct rd_kafka_err_desc {
	int code;
	const char *name; // NULL: the library has no such code
	const char *desc;
};

extern void rd_kafka_get_err_descs(const struct rd_kafka_err_desc **descs, size_t *count);
extern int rd_kafka_last_error(void);

extern rd_kafka_conf_t *rd_kafka_conf_new(void);
extern void rd_kafka_conf_destroy(rd_kafka_conf_t *conf);
extern int rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *err, size_t size);
extern void rd_kafka_conf_set_events(rd_kafka_conf_t *conf, int events);
extern rd_kafka_t *rd_kafka_new(int type, rd_kafka_conf_t *conf, char *err, size_t size);
extern int rd_kafka_set_log_queue(rd_kafka_t *rk, rd_kafka_queue_t *queue);
extern void rd_kafka_destroy_flags(rd_kafka_t *rk, int flags);
extern int rd_kafka_outq_len(rd_kafka_t *rk);
extern int rd_kafka_flush(rd_kafka_t *rk, int timeout_ms);
extern int rd_kafka_purge(rd_kafka_t *rk, int flags);
extern int rd_kafka_fatal_error(rd_kafka_t *rk, char *text, size_t size);

extern rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *rk, const char *topic, rd_kafka_topic_conf_t *conf);
extern const char *rd_kafka_topic_name(const rd_kafka_topic_t *rkt);
extern void rd_kafka_topic_destroy(rd_kafka_topic_t *rkt);
extern int rd_kafka_produce(rd_kafka_topic_t *rkt, int32_t partition, int flags, void *payload, size_t len,
			    const void *key, size_t key_len, void *opaque);
extern int rd_kafka_producev(rd_kafka_t *rk, ...);
extern rd_kafka_headers_t *rd_kafka_headers_new(size_t initial_count);
extern void rd_kafka_headers_destroy(rd_kafka_headers_t *headers);
extern int rd_kafka_header_add(rd_kafka_headers_t *headers, const char *name, ssize_t name_size, const void *value,
			       ssize_t value_size);
extern int rd_kafka_message_status(const rd_kafka_message_t *message);
extern int64_t rd_kafka_message_latency(const rd_kafka_message_t *message);
extern int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, int *type);
extern int rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers);
extern int rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t index, const char **name,
				   const void **value, size_t *size);
extern void rd_kafka_message_destroy(rd_kafka_message_t *message);

extern rd_kafka_queue_t *rd_kafka_queue_get_main(rd_kafka_t *rk);
extern rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *rk);
extern rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *rk, const char *topic, int32_t partition);
extern size_t rd_kafka_queue_length(rd_kafka_queue_t *queue);
extern void rd_kafka_queue_forward(rd_kafka_queue_t *src, rd_kafka_queue_t *dst);
extern void rd_kafka_queue_destroy(rd_kafka_queue_t *queue);
extern void rd_kafka_queue_io_event_enable(rd_kafka_queue_t *queue, int fd, const void *payload, size_t size);
extern rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *queue, int timeout_ms);
extern ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
					    size_t size);

extern int rd_kafka_event_type(const rd_kafka_event_t *event);
extern void rd_kafka_event_destroy(rd_kafka_event_t *event);
extern size_t rd_kafka_event_message_array(rd_kafka_event_t *event, const rd_kafka_message_t **messages, size_t size);
extern size_t rd_kafka_event_message_count(rd_kafka_event_t *event);
extern int rd_kafka_event_error(rd_kafka_event_t *event);
extern const char *rd_kafka_event_error_string(rd_kafka_event_t *event);
extern int rd_kafka_event_error_is_fatal(rd_kafka_event_t *event);
extern int rd_kafka_event_log(rd_kafka_event_t *event, const char **facility, const char **text, int *level);
extern void *rd_kafka_event_opaque(rd_kafka_event_t *event);
extern const char *rd_kafka_event_stats(rd_kafka_event_t *event);
extern rd_kafka_topic_partition_list_t *rd_kafka_event_topic_partition_list(rd_kafka_event_t *event);

extern int rd_kafka_poll_set_consumer(rd_kafka_t *rk);
extern rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size);
extern void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list);
extern rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list,
								     const char *topic, int32_t partition);
extern int rd_kafka_subscribe(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *topics);
extern int rd_kafka_unsubscribe(rd_kafka_t *rk);
extern int rd_kafka_assign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
extern rd_kafka_error_t *rd_kafka_incremental_assign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
extern rd_kafka_error_t *rd_kafka_incremental_unassign(rd_kafka_t *rk,
						       const rd_kafka_topic_partition_list_t *partitions);
extern const char *rd_kafka_rebalance_protocol(rd_kafka_t *rk);
extern int rd_kafka_assignment_lost(rd_kafka_t *rk);
extern int rd_kafka_pause_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions);
extern int rd_kafka_resume_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions);
extern int rd_kafka_committed(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, int timeout_ms);
extern int rd_kafka_get_watermark_offsets(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t *low,
					  int64_t *high);
extern int rd_kafka_commit_queue(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_queue_t *queue,
				 void (*callback)(rd_kafka_t *, int, rd_kafka_topic_partition_list_t *, void *),
				 void *opaque);
extern rd_kafka_error_t *rd_kafka_seek_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions,
						  int timeout_ms);
extern int rd_kafka_offsets_store(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *offsets);
extern rd_kafka_error_t *rd_kafka_consumer_close_queue(rd_kafka_t *rk, rd_kafka_queue_t *queue);
extern int rd_kafka_consumer_closed(rd_kafka_t *rk);

typedef struct {
	int32_t id;
	char *host;
	int port;
} rd_kafka_metadata_broker_t;

typedef struct {
	char *member_id;
	char *client_id;
	char *client_host;
	void *member_metadata;
	int member_metadata_size;
	void *member_assignment;
	int member_assignment_size;
} rd_kafka_group_member_info_t;

typedef struct {
	rd_kafka_metadata_broker_t broker;
	char *group;
	int err;
	char *state;
	char *protocol_type;
	char *protocol;
	rd_kafka_group_member_info_t *members;
	int member_cnt;
} rd_kafka_group_info_t;

typedef struct {
	rd_kafka_group_info_t *groups;
	int group_cnt;
} rd_kafka_group_list_t;

extern int rd_kafka_list_groups(rd_kafka_t *rk, const char *group, const rd_kafka_group_list_t **list, int timeout_ms);
extern void rd_kafka_group_list_destroy(const rd_kafka_group_list_t *list);

typedef struct {
	int32_t id;
	int err;
	int32_t leader;
	int replica_cnt;
	int32_t *replicas;
	int isr_cnt;
	int32_t *isrs;
} rd_kafka_metadata_partition_t;

typedef struct {
	char *topic;
	int partition_cnt;
	rd_kafka_metadata_partition_t *partitions;
	int err;
} rd_kafka_metadata_topic_t;

typedef struct {
	int broker_cnt;
	rd_kafka_metadata_broker_t *brokers;
	int topic_cnt;
	rd_kafka_metadata_topic_t *topics;
	int32_t orig_broker_id;
	char *orig_broker_name;
} rd_kafka_metadata_t;

extern int rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only_rkt,
			     const rd_kafka_metadata_t **metadata, int timeout_ms);
extern void rd_kafka_metadata_destroy(const rd_kafka_metadata_t *metadata);
extern int rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, int timeout_ms);
extern char *rd_kafka_clusterid(rd_kafka_t *rk, int timeout_ms);
extern void rd_kafka_mem_free(rd_kafka_t *rk, void *memory);

typedef struct rd_kafka_AdminOptions_s rd_kafka_AdminOptions_t;
typedef struct rd_kafka_TopicCollection_s rd_kafka_TopicCollection_t;
typedef struct rd_kafka_TopicDescription_s rd_kafka_TopicDescription_t;
typedef struct rd_kafka_TopicPartitionInfo_s rd_kafka_TopicPartitionInfo_t;
typedef struct rd_kafka_Node_s rd_kafka_Node_t;

extern rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *rk);
extern rd_kafka_AdminOptions_t *rd_kafka_AdminOptions_new(rd_kafka_t *rk, int for_api);
extern void rd_kafka_AdminOptions_destroy(rd_kafka_AdminOptions_t *options);
extern int rd_kafka_AdminOptions_set_request_timeout(rd_kafka_AdminOptions_t *options, int timeout_ms, char *err, size_t size);
extern int rd_kafka_AdminOptions_set_broker(rd_kafka_AdminOptions_t *options, int32_t broker_id, char *err, size_t size);
extern rd_kafka_TopicCollection_t *rd_kafka_TopicCollection_of_topic_names(const char **topics, size_t count);
extern void rd_kafka_TopicCollection_destroy(rd_kafka_TopicCollection_t *topics);
extern void rd_kafka_DescribeTopics(rd_kafka_t *rk, const rd_kafka_TopicCollection_t *topics,
				    const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue);
extern const rd_kafka_event_t *rd_kafka_event_DescribeTopics_result(rd_kafka_event_t *event);
extern const rd_kafka_TopicDescription_t **rd_kafka_DescribeTopics_result_topics(const rd_kafka_event_t *result, size_t *count);
extern const char *rd_kafka_TopicDescription_name(const rd_kafka_TopicDescription_t *topic);
extern const rd_kafka_error_t *rd_kafka_TopicDescription_error(const rd_kafka_TopicDescription_t *topic);
extern const rd_kafka_TopicPartitionInfo_t **rd_kafka_TopicDescription_partitions(const rd_kafka_TopicDescription_t *topic,
										   size_t *count);
extern const int rd_kafka_TopicPartitionInfo_partition(const rd_kafka_TopicPartitionInfo_t *partition);
extern const rd_kafka_Node_t *rd_kafka_TopicPartitionInfo_leader(const rd_kafka_TopicPartitionInfo_t *partition);
extern const rd_kafka_Node_t **rd_kafka_TopicPartitionInfo_isr(const rd_kafka_TopicPartitionInfo_t *partition, size_t *count);
extern const rd_kafka_Node_t **rd_kafka_TopicPartitionInfo_replicas(const rd_kafka_TopicPartitionInfo_t *partition,
								    size_t *count);
extern int rd_kafka_Node_id(const rd_kafka_Node_t *node);

extern int rd_kafka_conf_interceptor_add_on_new(rd_kafka_conf_t *conf, const char *name,
						int (*on_new)(rd_kafka_t *, const rd_kafka_conf_t *, void *, char *, size_t),
						void *opaque);
extern int rd_kafka_interceptor_add_on_request_sent(rd_kafka_t *rk, const char *name,
						    int (*on_request)(rd_kafka_t *, int, const char *, int32_t, int16_t,
								      int16_t, int32_t, size_t, void *),
						    void *opaque);
extern int rd_kafka_interceptor_add_on_response_received(rd_kafka_t *rk, const char *name,
							 int (*on_response)(rd_kafka_t *, int, const char *, int32_t,
									    int16_t, int16_t, int32_t, size_t, int64_t,
									    int, void *),
							 void *opaque);

extern int rd_kafka_error_code(const rd_kafka_error_t *error);
extern const char *rd_kafka_error_string(const rd_kafka_error_t *error);
extern void rd_kafka_error_destroy(rd_kafka_error_t *error);

// Go's arrays that C fills have addresses in them, not pointers: they stay there when the memory is free again, and
// the collector ends the process at a pointer to nothing should that have become Go's.

// What one delivery report says; filled for many messages in one call from Go.
typedef struct {
	uint64_t opaque;
	int64_t offset;
	int64_t timestamp; // milliseconds since the epoch, -1 for a record that failed
	int32_t partition;
	int32_t err;
	int32_t status;
	int32_t alone; // it is the only one of its event
	uintptr_t topic;
	int64_t size;	 // bytes of key and value
	int64_t latency; // microseconds since produce; only of every SLUICE_SAMPLE-th report of a run
	uintptr_t message;
} sluice_report;

// rd_kafka_message_latency reads the clock each time.
enum { SLUICE_SAMPLE = 16 };

// What Go needs of one fetched message; the bytes stay librdkafka's until sluice_free.
typedef struct {
	uintptr_t value;
	uintptr_t key;
	size_t value_len;
	size_t key_len;
	int64_t offset;
	int64_t timestamp;
	uintptr_t headers;
	int32_t err;
} sluice_message;

// One consumer's part of the gate.
typedef struct {
	_Atomic int32_t waiting; // threads; Go reads it
	int64_t arrived;	 // the first of them
	int64_t limit;		 // of the heap; 0 is none
	uint64_t let_in;	 // how often all who wait were let in
	int open;		 // for good
} sluice_gate;

sluice_gate *sluice_gate_new(rd_kafka_conf_t *conf);
void sluice_gate_limit(sluice_gate *gate, int64_t limit);
int sluice_gate_held_back(sluice_gate *gate);
void sluice_gate_let_in(sluice_gate *gate, int ever);
int64_t sluice_heap(void);

typedef struct sluice_hurrier sluice_hurrier;

// So many records under way are no crowd: they and those that follow do not linger.
enum { SLUICE_FEW = 4 };

sluice_hurrier *sluice_hurrier_start(rd_kafka_t *rk);
void sluice_hurrier_stop(sluice_hurrier *hurrier);
void sluice_hurry(void *hurrier);

int sluice_produce(rd_kafka_topic_t *rkt, void *value, size_t value_len, void *key, size_t key_len, uint64_t opaque);
int sluice_produce_detailed(rd_kafka_t *rk, rd_kafka_topic_t *rkt, void *value, size_t value_len, void *key,
			    size_t key_len, uint64_t opaque, int32_t partition, int64_t timestamp, const char *headers,
			    size_t headers_len);

// A record that Go has packed: this, then the key, the value and the headers. A length of -1 is a null.
typedef struct {
	uint64_t opaque;
	int64_t timestamp;
	int32_t partition, key_len, value_len, headers_len;
} sluice_packed;

// What follows is called directly (direct.go), with all that goes in and comes out in one struct.

typedef struct {
	rd_kafka_t *rk;
	rd_kafka_topic_t *rkt;
	const char *records;
	size_t len;
	size_t count, taken; // the records that were taken, and their bytes
	int err;	     // why the next one was not; 0 when all were, or enough for one call
} sluice_producing;

// So many records, or bytes of them, end a call, however many there are.
enum { SLUICE_RECORDS = 256, SLUICE_BYTES = 1 << 20 };

typedef struct {
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event; // NULL when there is none
	int type;
} sluice_polling;

typedef struct {
	rd_kafka_event_t *event;
	sluice_report *out;
	size_t size, n;
	int begun; // this is not the event's first run
} sluice_reporting;

typedef struct {
	rd_kafka_queue_t *queue;
	uintptr_t *messages;
	sluice_message *out;
	size_t size, bytes; // no more is taken when so many records, or bytes of them, are there
	ssize_t n;
	size_t left; // what the queue still holds
} sluice_fetching;

// What a failed record was, and when it was to be written; the bytes stay librdkafka's until its event is done.
typedef struct {
	uintptr_t key, value, headers;
	size_t key_len, value_len;
	int64_t timestamp;
	int64_t spent; // microseconds since produce
} sluice_content;

void sluice_content_of(uintptr_t message, sluice_content *out);
// Records are taken a few at a time until their size is known, and never more than so many.
enum { SLUICE_FIRST = 4, SLUICE_STEP = 64 };

typedef struct {
	rd_kafka_queue_t *queue;
	size_t n;
} sluice_counting;

void sluice_produce_packed(void *producing);
void sluice_poll(void *polling);
void sluice_reports(void *reporting);
void sluice_fetch(void *fetching);
void sluice_free(void *fetching);
void sluice_count(void *counting);
int sluice_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_queue_t *queue,
		  uint64_t ticket);
uint64_t sluice_ticket(rd_kafka_event_t *event);
void sluice_arenas(int n);
size_t sluice_kept(void);
void sluice_trim(void);

#endif
