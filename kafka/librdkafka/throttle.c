#include "sluice.h"

#include <stdatomic.h>
#include <time.h>

// What brokers last told producers and consumers of this process about quotas. All handles of a kind share one record: a
// quota is the user's, not the handle's.
static struct {
	_Atomic int64_t at; // nanoseconds of CLOCK_MONOTONIC; 0 for never
	_Atomic int64_t broker_and_ms;
} throttles[2];

// on_throttle is called when a broker has delayed an answer, and once more with 0 when it no longer does.
static void on_throttle(int kind, int32_t broker, int ms) {
	struct timespec now;

	if (ms <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	atomic_store(&throttles[kind].broker_and_ms, (int64_t)broker << 32 | (uint32_t)ms);
	atomic_store(&throttles[kind].at, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

static void on_producer(rd_kafka_t *rk, const char *name, int32_t broker, int ms, void *opaque) {
	(void)rk, (void)name, (void)opaque;
	on_throttle(RD_KAFKA_PRODUCER, broker, ms);
}

static void on_consumer(rd_kafka_t *rk, const char *name, int32_t broker, int ms, void *opaque) {
	(void)rk, (void)name, (void)opaque;
	on_throttle(RD_KAFKA_CONSUMER, broker, ms);
}

// sluice_watch_throttle has a handle that is created from conf note when brokers delay its answers.
void sluice_watch_throttle(rd_kafka_conf_t *conf, rd_kafka_type_t kind) {
	rd_kafka_conf_set_throttle_cb(conf, kind == RD_KAFKA_PRODUCER ? on_producer : on_consumer);
}

sluice_throttle sluice_last_throttle(rd_kafka_type_t kind) {
	struct timespec now;
	int64_t at = atomic_load(&throttles[kind].at), last = atomic_load(&throttles[kind].broker_and_ms);

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (sluice_throttle){
		.ago = at == 0 ? -1 : (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - at, .broker = (int32_t)(last >> 32), .ms = (int32_t)last,
	};
}
