// The calls of call_asm.go: each takes the address of a struct that holds its arguments and its result.
#ifndef SLUICE_CALL_ASM_H
#define SLUICE_CALL_ASM_H

#include "sluice.h"

typedef struct {
	rd_kafka_t *rk;
	rd_kafka_topic_t *rkt;
	const char *records;
	size_t len;
	sluice_produced result;
} sluice_produce_packed_call;

typedef struct {
	rd_kafka_queue_t *queue;
	sluice_polled result;
} sluice_poll_call;

typedef struct {
	rd_kafka_event_t *event;
	sluice_report *out;
	size_t size;
	int first;
	size_t result;
} sluice_reports_call;

typedef struct {
	rd_kafka_queue_t *queue;
	uintptr_t *messages;
	sluice_message *out;
	size_t size, bytes;
	sluice_fetched result;
} sluice_fetch_call;

typedef struct {
	const uintptr_t *messages;
	size_t count;
} sluice_free_call;

typedef struct {
	rd_kafka_queue_t *queue;
	size_t result;
} sluice_queue_length_call;

void sluice_call_produce_packed(void *call);
void sluice_call_poll(void *call);
void sluice_call_reports(void *call);
void sluice_call_fetch(void *call);
void sluice_call_free(void *call);
void sluice_call_queue_length(void *call);

#endif
