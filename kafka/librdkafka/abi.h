// The part of librdkafka's C interface that this package calls, copied from rdkafka.h of v2.15.1. That interface has
// been stable since version 1.0. confluent-kafka-go links the library, but its rdkafka.h is on no include path.
// A test compiles this file behind that rdkafka.h and compares every value, layout and prototype (abi_test.go).
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_topic_conf_s rd_kafka_topic_conf_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_op_s rd_kafka_event_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;
typedef struct rd_kafka_AdminOptions_s rd_kafka_AdminOptions_t;
typedef struct rd_kafka_TopicCollection_s rd_kafka_TopicCollection_t;
typedef struct rd_kafka_TopicDescription_s rd_kafka_TopicDescription_t;
typedef struct rd_kafka_TopicPartitionInfo_s rd_kafka_TopicPartitionInfo_t;
typedef struct rd_kafka_Node_s rd_kafka_Node_t;
typedef rd_kafka_event_t rd_kafka_DescribeTopics_result_t;
typedef int rd_kafka_event_type_t;

#ifndef RD_KAFKA_VERSION // C lets nobody define these twice: the test compares them one by one

typedef enum {
	RD_KAFKA_RESP_ERR_NO_ERROR = 0,
	RD_KAFKA_RESP_ERR__BAD_MSG = -199,
	RD_KAFKA_RESP_ERR__BAD_COMPRESSION = -198,
	RD_KAFKA_RESP_ERR__DESTROY = -197,
	RD_KAFKA_RESP_ERR__TRANSPORT = -195,
	RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE = -194,
	RD_KAFKA_RESP_ERR__MSG_TIMED_OUT = -192,
	RD_KAFKA_RESP_ERR__PARTITION_EOF = -191,
	RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION = -190,
	RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC = -188,
	RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN = -187,
	RD_KAFKA_RESP_ERR__TIMED_OUT = -185,
	RD_KAFKA_RESP_ERR__QUEUE_FULL = -184,
	RD_KAFKA_RESP_ERR__WAIT_COORD = -180,
	RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS = -175,
	RD_KAFKA_RESP_ERR__STATE = -172,
	RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED = -170,
	RD_KAFKA_RESP_ERR__NO_OFFSET = -168,
	RD_KAFKA_RESP_ERR__OUTDATED = -167,
	RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE = -166,
	RD_KAFKA_RESP_ERR__INVALID_ARG = -186,
	RD_KAFKA_RESP_ERR__PARTIAL = -158,
	RD_KAFKA_RESP_ERR__NOENT = -156,
	RD_KAFKA_RESP_ERR__PURGE_QUEUE = -152,
	RD_KAFKA_RESP_ERR__PURGE_INFLIGHT = -151,
	RD_KAFKA_RESP_ERR__FATAL = -150,
	RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET = -140,
	RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD = -138,
	RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART = 3,
	RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT = 7,
	RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE = 10,
	RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE = 12,
	RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS = 14,
	RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE = 15,
	RD_KAFKA_RESP_ERR_NOT_COORDINATOR = 16,
	RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE = 18,
	RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS = 19,
	RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20,
	RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION = 22,
	RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID = 25,
	RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS = 27,
	RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED = 29,
	RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED = 30,
	RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED = 31,
	RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP = 32,
	RD_KAFKA_RESP_ERR_POLICY_VIOLATION = 44,
	RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH = 47,
	RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR = 56,
	RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND = 69,
	RD_KAFKA_RESP_ERR_INVALID_RECORD = 87,
	RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH = 113,
} rd_kafka_resp_err_t;

typedef enum { RD_KAFKA_PRODUCER = 0, RD_KAFKA_CONSUMER = 1 } rd_kafka_type_t;
typedef enum { RD_KAFKA_CONF_UNKNOWN = -2, RD_KAFKA_CONF_INVALID = -1, RD_KAFKA_CONF_OK = 0 } rd_kafka_conf_res_t;
typedef enum { RD_KAFKA_TIMESTAMP_NOT_AVAILABLE = 0 } rd_kafka_timestamp_type_t;
typedef enum { RD_KAFKA_ADMIN_OP_DESCRIBETOPICS = 19 } rd_kafka_admin_op_t;

typedef enum {
	RD_KAFKA_MSG_STATUS_NOT_PERSISTED = 0, RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED = 1, RD_KAFKA_MSG_STATUS_PERSISTED = 2
} rd_kafka_msg_status_t;

// The tags of rd_kafka_producev's arguments.
typedef enum {
	RD_KAFKA_VTYPE_END = 0,
	RD_KAFKA_VTYPE_RKT = 2,
	RD_KAFKA_VTYPE_PARTITION = 3,
	RD_KAFKA_VTYPE_VALUE = 4,
	RD_KAFKA_VTYPE_KEY = 5,
	RD_KAFKA_VTYPE_OPAQUE = 6,
	RD_KAFKA_VTYPE_MSGFLAGS = 7,
	RD_KAFKA_VTYPE_TIMESTAMP = 8,
	RD_KAFKA_VTYPE_HEADERS = 10,
} rd_kafka_vtype_t;

#define RD_KAFKA_EVENT_DR 0x1
#define RD_KAFKA_EVENT_LOG 0x4
#define RD_KAFKA_EVENT_ERROR 0x8
#define RD_KAFKA_EVENT_REBALANCE 0x10
#define RD_KAFKA_EVENT_OFFSET_COMMIT 0x20
#define RD_KAFKA_EVENT_STATS 0x40

#define RD_KAFKA_PARTITION_UA (-1)
#define RD_KAFKA_OFFSET_BEGINNING (-2)
#define RD_KAFKA_OFFSET_END (-1)
#define RD_KAFKA_OFFSET_INVALID (-1001)
#define RD_KAFKA_MSG_F_COPY 0x2
#define RD_KAFKA_PURGE_F_QUEUE 0x1
#define RD_KAFKA_PURGE_F_INFLIGHT 0x2
#define RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE 0x8

struct rd_kafka_err_desc {
	rd_kafka_resp_err_t code;
	const char *name; // NULL: the library has no such code
	const char *desc;
};

typedef struct rd_kafka_message_s {
	rd_kafka_resp_err_t err;
	rd_kafka_topic_t *rkt;
	int32_t partition;
	void *payload; // of a fetched message with an error: its text
	size_t len;
	void *key;
	size_t key_len;
	int64_t offset;
	void *_private; // of a delivery report: the opaque that came with the record
} rd_kafka_message_t;

typedef struct rd_kafka_topic_partition_s {
	char *topic;
	int32_t partition;
	int64_t offset;
	void *metadata;
	size_t metadata_size;
	void *opaque;
	rd_kafka_resp_err_t err;
	void *_private;
} rd_kafka_topic_partition_t;

typedef struct rd_kafka_topic_partition_list_s {
	int cnt;
	int size;
	rd_kafka_topic_partition_t *elems;
} rd_kafka_topic_partition_list_t;

struct rd_kafka_metadata_broker {
	int32_t id;
	char *host;
	int port;
};

struct rd_kafka_metadata_partition {
	int32_t id;
	rd_kafka_resp_err_t err;
	int32_t leader;
	int replica_cnt;
	int32_t *replicas;
	int isr_cnt;
	int32_t *isrs;
};

struct rd_kafka_metadata_topic {
	char *topic;
	int partition_cnt;
	struct rd_kafka_metadata_partition *partitions;
	rd_kafka_resp_err_t err;
};

struct rd_kafka_metadata {
	int broker_cnt;
	struct rd_kafka_metadata_broker *brokers;
	int topic_cnt;
	struct rd_kafka_metadata_topic *topics;
	int32_t orig_broker_id;
	char *orig_broker_name;
};

struct rd_kafka_group_member_info {
	char *member_id;
	char *client_id;
	char *client_host;
	void *member_metadata;
	int member_metadata_size;
	void *member_assignment;
	int member_assignment_size;
};

struct rd_kafka_group_info {
	struct rd_kafka_metadata_broker broker;
	char *group;
	rd_kafka_resp_err_t err;
	char *state;
	char *protocol_type;
	char *protocol;
	struct rd_kafka_group_member_info *members;
	int member_cnt;
};

struct rd_kafka_group_list {
	struct rd_kafka_group_info *groups;
	int group_cnt;
};

#endif

typedef rd_kafka_resp_err_t(rd_kafka_interceptor_f_on_new_t)(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
	char *err, size_t size);
typedef rd_kafka_resp_err_t(rd_kafka_interceptor_f_on_request_sent_t)(rd_kafka_t *rk, int sockfd, const char *broker,
	int32_t id, int16_t key, int16_t version, int32_t correlation, size_t size, void *opaque);
typedef rd_kafka_resp_err_t(rd_kafka_interceptor_f_on_response_received_t)(rd_kafka_t *rk, int sockfd,
	const char *broker, int32_t id, int16_t key, int16_t version, int32_t correlation, size_t size, int64_t rtt,
	rd_kafka_resp_err_t err, void *opaque);

const char *rd_kafka_version_str(void);
const char *rd_kafka_err2str(rd_kafka_resp_err_t err);
void rd_kafka_get_err_descs(const struct rd_kafka_err_desc **descs, size_t *count);
rd_kafka_resp_err_t rd_kafka_last_error(void);
rd_kafka_conf_t *rd_kafka_conf_new(void);
void rd_kafka_conf_destroy(rd_kafka_conf_t *conf);
rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *err,
	size_t size);
void rd_kafka_conf_set_throttle_cb(rd_kafka_conf_t *conf, void (*callback)(rd_kafka_t *rk, const char *broker_name,
	int32_t broker_id, int throttle_time_ms, void *opaque));
void rd_kafka_conf_set_events(rd_kafka_conf_t *conf, int events);
rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *err, size_t size);
rd_kafka_resp_err_t rd_kafka_set_log_queue(rd_kafka_t *rk, rd_kafka_queue_t *queue);
void rd_kafka_destroy_flags(rd_kafka_t *rk, int flags);
int rd_kafka_outq_len(rd_kafka_t *rk);
rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *rk, int timeout_ms);
rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *rk, int flags);

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *rk, const char *topic, rd_kafka_topic_conf_t *conf);
const char *rd_kafka_topic_name(const rd_kafka_topic_t *rkt);
void rd_kafka_topic_destroy(rd_kafka_topic_t *rkt);
int rd_kafka_produce(rd_kafka_topic_t *rkt, int32_t partition, int flags, void *payload, size_t len, const void *key,
	size_t key_len, void *opaque);
rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *rk, ...);
rd_kafka_headers_t *rd_kafka_headers_new(size_t initial_count);
void rd_kafka_headers_destroy(rd_kafka_headers_t *headers);
rd_kafka_resp_err_t rd_kafka_header_add(rd_kafka_headers_t *headers, const char *name, ssize_t name_size,
	const void *value, ssize_t value_size);
rd_kafka_msg_status_t rd_kafka_message_status(const rd_kafka_message_t *message);
int64_t rd_kafka_message_latency(const rd_kafka_message_t *message);
int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type);
rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers);
rd_kafka_resp_err_t rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t index, const char **name,
	const void **value, size_t *size);
void rd_kafka_message_destroy(rd_kafka_message_t *message);

rd_kafka_queue_t *rd_kafka_queue_get_main(rd_kafka_t *rk);
rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *rk);
rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *rk, const char *topic, int32_t partition);
size_t rd_kafka_queue_length(rd_kafka_queue_t *queue);
void rd_kafka_queue_forward(rd_kafka_queue_t *src, rd_kafka_queue_t *dst);
void rd_kafka_queue_destroy(rd_kafka_queue_t *queue);
void rd_kafka_queue_io_event_enable(rd_kafka_queue_t *queue, int fd, const void *payload, size_t size);
rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *queue, int timeout_ms);
ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
	size_t size);

rd_kafka_event_type_t rd_kafka_event_type(const rd_kafka_event_t *event);
void rd_kafka_event_destroy(rd_kafka_event_t *event);
size_t rd_kafka_event_message_array(rd_kafka_event_t *event, const rd_kafka_message_t **messages, size_t size);
rd_kafka_resp_err_t rd_kafka_event_error(rd_kafka_event_t *event);
const char *rd_kafka_event_error_string(rd_kafka_event_t *event);
int rd_kafka_event_error_is_fatal(rd_kafka_event_t *event);
int rd_kafka_event_log(rd_kafka_event_t *event, const char **facility, const char **text, int *level);
void *rd_kafka_event_opaque(rd_kafka_event_t *event);
const char *rd_kafka_event_stats(rd_kafka_event_t *event);
rd_kafka_topic_partition_list_t *rd_kafka_event_topic_partition_list(rd_kafka_event_t *event);

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *rk);
rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size);
void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list);
rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list, const char *topic,
	int32_t partition);
rd_kafka_resp_err_t rd_kafka_subscribe(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *topics);
rd_kafka_resp_err_t rd_kafka_unsubscribe(rd_kafka_t *rk);
rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
rd_kafka_error_t *rd_kafka_incremental_assign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
rd_kafka_error_t *rd_kafka_incremental_unassign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
const char *rd_kafka_rebalance_protocol(rd_kafka_t *rk);
int rd_kafka_assignment_lost(rd_kafka_t *rk);
rd_kafka_resp_err_t rd_kafka_pause_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions);
rd_kafka_resp_err_t rd_kafka_resume_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions);
rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, int timeout_ms);
rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t *low,
	int64_t *high);
rd_kafka_resp_err_t rd_kafka_commit_queue(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
	rd_kafka_queue_t *queue, void (*callback)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *,
	void *), void *opaque);
rd_kafka_error_t *rd_kafka_seek_partitions(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, int timeout_ms);
rd_kafka_error_t *rd_kafka_consumer_close_queue(rd_kafka_t *rk, rd_kafka_queue_t *queue);
int rd_kafka_consumer_closed(rd_kafka_t *rk);

rd_kafka_resp_err_t rd_kafka_list_groups(rd_kafka_t *rk, const char *group, const struct rd_kafka_group_list **list,
	int timeout_ms);
void rd_kafka_group_list_destroy(const struct rd_kafka_group_list *list);

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only_rkt,
	const struct rd_kafka_metadata **metadata, int timeout_ms);
void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata);
rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions,
	int timeout_ms);
char *rd_kafka_clusterid(rd_kafka_t *rk, int timeout_ms);
void rd_kafka_mem_free(rd_kafka_t *rk, void *memory);

rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *rk);
rd_kafka_AdminOptions_t *rd_kafka_AdminOptions_new(rd_kafka_t *rk, rd_kafka_admin_op_t for_api);
void rd_kafka_AdminOptions_destroy(rd_kafka_AdminOptions_t *options);
rd_kafka_resp_err_t rd_kafka_AdminOptions_set_request_timeout(rd_kafka_AdminOptions_t *options, int timeout_ms,
	char *err, size_t size);
rd_kafka_resp_err_t rd_kafka_AdminOptions_set_broker(rd_kafka_AdminOptions_t *options, int32_t broker_id, char *err,
	size_t size);
rd_kafka_TopicCollection_t *rd_kafka_TopicCollection_of_topic_names(const char **topics, size_t count);
void rd_kafka_TopicCollection_destroy(rd_kafka_TopicCollection_t *topics);
void rd_kafka_DescribeTopics(rd_kafka_t *rk, const rd_kafka_TopicCollection_t *topics,
	const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue);
const rd_kafka_DescribeTopics_result_t *rd_kafka_event_DescribeTopics_result(rd_kafka_event_t *event);
const rd_kafka_TopicDescription_t **rd_kafka_DescribeTopics_result_topics(
	const rd_kafka_DescribeTopics_result_t *result, size_t *count);
const char *rd_kafka_TopicDescription_name(const rd_kafka_TopicDescription_t *topic);
const rd_kafka_error_t *rd_kafka_TopicDescription_error(const rd_kafka_TopicDescription_t *topic);
const rd_kafka_TopicPartitionInfo_t **rd_kafka_TopicDescription_partitions(const rd_kafka_TopicDescription_t *topic,
	size_t *count);
const int rd_kafka_TopicPartitionInfo_partition(const rd_kafka_TopicPartitionInfo_t *partition);
const rd_kafka_Node_t *rd_kafka_TopicPartitionInfo_leader(const rd_kafka_TopicPartitionInfo_t *partition);
const rd_kafka_Node_t **rd_kafka_TopicPartitionInfo_isr(const rd_kafka_TopicPartitionInfo_t *partition, size_t *count);
const rd_kafka_Node_t **rd_kafka_TopicPartitionInfo_replicas(const rd_kafka_TopicPartitionInfo_t *partition,
	size_t *count);
int rd_kafka_Node_id(const rd_kafka_Node_t *node);

rd_kafka_resp_err_t rd_kafka_conf_interceptor_add_on_new(rd_kafka_conf_t *conf, const char *name,
	rd_kafka_interceptor_f_on_new_t *on_new, void *opaque);
rd_kafka_resp_err_t rd_kafka_interceptor_add_on_request_sent(rd_kafka_t *rk, const char *name,
	rd_kafka_interceptor_f_on_request_sent_t *on_request, void *opaque);
rd_kafka_resp_err_t rd_kafka_interceptor_add_on_response_received(rd_kafka_t *rk, const char *name,
	rd_kafka_interceptor_f_on_response_received_t *on_response, void *opaque);

rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error);
const char *rd_kafka_error_string(const rd_kafka_error_t *error);
void rd_kafka_error_destroy(rd_kafka_error_t *error);

#endif
