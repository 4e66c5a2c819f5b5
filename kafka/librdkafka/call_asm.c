//go:build !plaincgo

#include "call_asm.h"

void sluice_call_produce_packed(void *call) {
	sluice_produce_packed_call *c = call;

	c->result = sluice_produce_packed(c->rk, c->rkt, c->records, c->len);
}

void sluice_call_poll(void *call) {
	sluice_poll_call *c = call;

	c->result = sluice_poll(c->queue);
}

void sluice_call_reports(void *call) {
	sluice_reports_call *c = call;

	c->result = sluice_reports(c->event, c->out, c->size, c->first);
}

void sluice_call_fetch(void *call) {
	sluice_fetch_call *c = call;

	c->result = sluice_fetch(c->queue, c->messages, c->out, c->size, c->bytes);
}

void sluice_call_free(void *call) {
	sluice_free_call *c = call;

	sluice_free(c->messages, c->count);
}

void sluice_call_queue_length(void *call) {
	sluice_queue_length_call *c = call;

	c->result = rd_kafka_queue_length(c->queue);
}
