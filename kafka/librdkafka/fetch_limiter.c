#include "sluice.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

// The fetch limiter delays fetch responses while the heap is full. librdkafka calls it when a response has arrived, before
// it unpacks the batches of the response: a small batch may become very many records, and fifty consumers may get theirs
// at the same moment. A response is admitted when the heap has room for what it may become.
//
// The thread that waits belongs to one consumer's connection to one broker. librdkafka's manual asks interceptors not to
// block, but only that connection waits: groups, commits and other brokers have connections of their own.

enum {
	FETCH_KEY = 1, // ApiKey of Fetch, https://kafka.apache.org/protocol
	EXPANSION = 1024, // bytes of memory that a byte of a response is estimated to become
	BYTES_PER_NS = 4, // a thread unpacks at most so many bytes in a nanosecond of its processor time
	MOST_RESPONSES = 64, // that are unpacked at a time
};

static const int64_t MS = 1000000;
#define PATIENCE (10000 * MS) // a response is admitted after this time, so that no consumer stands still for ever
#define SHORT_WAIT (20 * MS) // shorter waits are not reported
#define READ_SHARE 20 // reading the heap's size takes at most this part of the time
#define IDLE (30 * MS) // a thread that used less than HARDLY of its processor in this time has finished unpacking
#define HARDLY MS

// response is a fetch response that is being unpacked.
typedef struct {
	int64_t cost; // estimated bytes of the heap; 0 for an unused entry
	uint64_t id;
	clockid_t clock; // processor time of the thread that unpacks the response
	int64_t began; // the clock's value at the beginning
	int64_t ran; // the clock's value at last
	int64_t seen; // when the clock had that value
} response;

static struct {
	pthread_mutex_t mu; // guards what follows, and every sluice_fetch_limiter
	pthread_cond_t changed;
	int64_t used; // size of the heap at the last reading
	int64_t unpacked; // estimated bytes that were unpacked since then
	int64_t read_at; // when the heap's size was last read
	int64_t reading_took; // nanoseconds
	uint64_t last_id;
	response responses[MOST_RESPONSES];
} shared = {.mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

// The response that this thread unpacks; id 0 for none.
static _Thread_local uint64_t current_id;
static _Thread_local int current_index;

// read_clock is in nanoseconds. It is -1 when the clock's thread has ended.
static int64_t read_clock(clockid_t clock) {
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		return -1;
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static int64_t now_ns(void) {
	return read_clock(CLOCK_MONOTONIC);
}

// read_heap reads the heap's size when that is due. malloc counts its free memory for that, which may take milliseconds,
// so the mutex is not held meanwhile.
static void read_heap(int64_t now) {
	int64_t before = shared.unpacked, used;

	if (now - shared.read_at < shared.reading_took * READ_SHARE + MS)
		return;
	shared.read_at = now; // no other thread reads meanwhile
	pthread_mutex_unlock(&shared.mu);
	used = sluice_heap_in_use();
	pthread_mutex_lock(&shared.mu);
	shared.used = used;
	shared.unpacked -= before; // the reading may have missed what was unpacked meanwhile
	shared.read_at = now_ns();
	shared.reading_took = shared.read_at - now;
}

// is_finished tells whether a response has been unpacked: its thread has stopped to run.
static int is_finished(response *r, int64_t now) {
	int64_t ran;

	if (now - r->seen < IDLE)
		return 0;
	ran = read_clock(r->clock);
	if (ran - r->ran < HARDLY)
		return 1;
	r->ran = ran;
	r->seen = now;
	return 0;
}

// finish frees the entry of a response. The next reading of the heap counts what the response became. Until then the
// estimate counts, but not more than its thread can have unpacked in its time.
static void finish(response *r) {
	int64_t most = (r->ran - r->began) * BYTES_PER_NS;

	shared.unpacked += most < r->cost ? most : r->cost;
	r->cost = 0;
}

// cost_in_progress is the estimate for all responses that are being unpacked. It finds an unused entry, -1 for none.
static int64_t cost_in_progress(int64_t now, int *unused) {
	int64_t sum = 0;

	*unused = -1;
	for (int i = 0; i < MOST_RESPONSES; i++) {
		response *r = &shared.responses[i];

		if (r->cost > 0 && is_finished(r, now))
			finish(r);
		sum += r->cost;
		if (r->cost == 0)
			*unused = i;
	}
	return sum;
}

// has_room tells whether the heap has room for a response. A response that is alone has room in any heap that is not full.
static int has_room(int64_t limit, int64_t cost, int64_t now, int *unused) {
	int64_t busy = cost_in_progress(now, unused);

	if (*unused < 0)
		return 0;
	return shared.used + shared.unpacked + busy + cost <= limit ||
		(busy == 0 && shared.unpacked == 0 && shared.used < limit);
}

// finish_current ends the response that this thread unpacked: the thread has come to its next response or request.
static void finish_current(void) {
	response *r = &shared.responses[current_index];

	if (current_id == 0)
		return;
	if (r->id == current_id && r->cost > 0) {
		r->ran = read_clock(r->clock);
		finish(r);
		pthread_cond_broadcast(&shared.changed);
	}
	current_id = 0;
}

static void wait_for(int64_t ns) {
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ns;
	if (t.tv_nsec >= 1000 * MS) {
		t.tv_nsec -= 1000 * MS;
		t.tv_sec++;
	}
	pthread_cond_timedwait(&shared.changed, &shared.mu, &t);
}

// admit waits until a response of so many bytes may be unpacked.
static void admit(sluice_fetch_limiter *l, int64_t size) {
	int64_t cost = size * EXPANSION, now = now_ns(), arrived = now;
	uint64_t admissions = l->admissions;
	response *r;
	int i;

	if (l->limit == 0)
		return;
	if (cost > l->limit / 4)
		cost = l->limit / 4 + 1;
	if (shared.read_at == 0)
		read_heap(now);
	while (!has_room(l->limit, cost, now, &i)) {
		read_heap(now);
		if (has_room(l->limit, cost, now, &i))
			break;
		if (l->open || l->admissions != admissions || now - arrived > PATIENCE)
			return;
		if (atomic_fetch_add(&l->waiting, 1) == 0)
			l->since = arrived;
		wait_for(MS);
		atomic_fetch_sub(&l->waiting, 1);
		now = now_ns();
	}
	current_index = i;
	current_id = ++shared.last_id;
	r = &shared.responses[i];
	*r = (response){.cost = cost, .id = current_id, .seen = now};
	pthread_getcpuclockid(pthread_self(), &r->clock);
	r->began = r->ran = read_clock(r->clock);
}

static rd_kafka_resp_err_t on_response(rd_kafka_t *rk, int sockfd, const char *broker, int32_t id, int16_t key,
	int16_t version, int32_t correlation, size_t size, int64_t rtt, rd_kafka_resp_err_t err, void *limiter) {
	(void)rk, (void)sockfd, (void)broker, (void)id, (void)version, (void)correlation, (void)rtt;
	if (key != FETCH_KEY || size == 0 || err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	pthread_mutex_lock(&shared.mu);
	finish_current();
	admit(limiter, (int64_t)size);
	pthread_mutex_unlock(&shared.mu);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_request(rd_kafka_t *rk, int sockfd, const char *broker, int32_t id, int16_t key,
	int16_t version, int32_t correlation, size_t size, void *limiter) {
	(void)rk, (void)sockfd, (void)broker, (void)id, (void)key, (void)version, (void)correlation, (void)size;
	(void)limiter;
	if (current_id == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	pthread_mutex_lock(&shared.mu);
	finish_current();
	pthread_mutex_unlock(&shared.mu);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *limiter, char *err, size_t size) {
	(void)conf, (void)err, (void)size;
	rd_kafka_interceptor_add_on_response_received(rk, "sluice", on_response, limiter);
	return rd_kafka_interceptor_add_on_request_sent(rk, "sluice", on_request, limiter);
}

// sluice_fetch_limiter_new makes the limiter of a consumer that is created from conf. The caller frees it after the
// consumer.
sluice_fetch_limiter *sluice_fetch_limiter_new(rd_kafka_conf_t *conf) {
	sluice_fetch_limiter *l = calloc(1, sizeof(*l));

	if (l != NULL)
		rd_kafka_conf_interceptor_add_on_new(conf, "sluice", on_new, l);
	return l;
}

// sluice_fetch_limiter_set sets the size of the heap, in bytes, above which the consumer's responses wait. 0 is no limit.
void sluice_fetch_limiter_set(sluice_fetch_limiter *l, int64_t limit) {
	pthread_mutex_lock(&shared.mu);
	l->limit = limit;
	pthread_cond_broadcast(&shared.changed);
	pthread_mutex_unlock(&shared.mu);
}

// sluice_fetch_limiter_holds tells whether responses wait because the heap is nearly full.
int sluice_fetch_limiter_holds(sluice_fetch_limiter *l) {
	int holds;

	pthread_mutex_lock(&shared.mu);
	holds = l->waiting > 0 && now_ns() - l->since > SHORT_WAIT && shared.used > l->limit - l->limit / 8;
	pthread_mutex_unlock(&shared.mu);
	return holds;
}

// sluice_fetch_limiter_admit admits the responses that wait. With forever, later responses do not wait either.
void sluice_fetch_limiter_admit(sluice_fetch_limiter *l, int forever) {
	pthread_mutex_lock(&shared.mu);
	l->admissions++;
	l->open |= forever;
	pthread_cond_broadcast(&shared.changed);
	pthread_mutex_unlock(&shared.mu);
}
