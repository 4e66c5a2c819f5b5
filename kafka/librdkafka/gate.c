#include "abi.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

// The gate stands where librdkafka has received an answer to a fetch and is about to unpack it: a small batch may become
// very many records, and fifty consumers get theirs at the same moment. It lets in what the heap has room for.
// The thread that waits is that of one consumer's connection to one broker: groups, commits and other brokers have
// connections of their own. (The manual of on_response_received asks not to block: nothing but that connection waits.)

enum {
	FETCH = 1,	 // ApiKey, https://kafka.apache.org/protocol
	EXPANSION = 1024, // what a byte of an answer is taken to become in memory, until it is unpacked
	PER_NS = 4,	  // so many bytes at most become of it in a nanosecond of processor time
	UNPACKING = 64,	  // answers that may be unpacked at a time
};

static const int64_t MS = 1000000;
#define PATIENCE (10000 * MS)	 // then an answer is let in whatever it costs: nobody stands still for ever
#define HELD_BACK (20 * MS)	 // a wait that is shorter is nothing to speak of
#define LOOK_SHARE 20		 // looking at the heap may take one part of so many of the time
#define IDLE (30 * MS)		 // a thread that has hardly run for so long has unpacked what it had
#define HARDLY MS

// A slot is an answer that is being unpacked.
typedef struct {
	int64_t cost;	  // what it is taken to cost; 0 is a free slot
	uint64_t visit;	  // whose it is
	clockid_t clock;  // processor time of its thread
	int64_t from;	  // what that was when it began
	int64_t ran, at;  // what it was at last, and when
} slot;

static struct {
	pthread_mutex_t mu;
	pthread_cond_t changed;
	int64_t used;  // of the heap, at the last look
	int64_t since; // what has been unpacked since then is taken to cost
	int64_t looked, looking;
	uint64_t visits;
	slot slots[UNPACKING];
} gate = {.mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

// What the thread unpacks.
static _Thread_local uint64_t my_visit;
static _Thread_local int my_slot;

// read_clock is in nanoseconds; -1 where there is no such clock: the thread has ended.
static int64_t read_clock(clockid_t clock) {
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		return -1;
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static int64_t now_ns(void) {
	return read_clock(CLOCK_MONOTONIC);
}

// sluice_heap is how many bytes of the C heap are in use; 0 where that is not known.
int64_t sluice_heap(void) {
#ifdef __GLIBC__
	struct mallinfo2 m = mallinfo2();

	return (int64_t)(m.uordblks + m.hblkhd);
#else
	return 0;
#endif
}

// look reads the heap when that is due. It may take milliseconds, as malloc counts what is free: the lock is not held.
static void look(int64_t now) {
	int64_t since = gate.since, used;

	if (now - gate.looked < gate.looking * LOOK_SHARE + MS)
		return;
	gate.looked = now; // nobody else looks meanwhile
	pthread_mutex_unlock(&gate.mu);
	used = sluice_heap();
	pthread_mutex_lock(&gate.mu);
	gate.used = used;
	gate.since -= since; // what has been unpacked meanwhile may not have been seen
	gate.looked = now_ns();
	gate.looking = gate.looked - now;
}

// done tells whether an answer has been unpacked, as far as can be seen from outside: its thread runs no more.
static int done(slot *s, int64_t now) {
	int64_t ran;

	if (now - s->at < IDLE)
		return 0;
	ran = read_clock(s->clock);
	if (ran - s->ran < HARDLY)
		return 1;
	s->ran = ran;
	s->at = now;
	return 0;
}

// release frees a slot. What has become of its answer shows in the heap at the next look; until then it is taken to be as
// much as its thread had the time for.
static void release(slot *s) {
	int64_t most = (s->ran - s->from) * PER_NS;

	gate.since += most < s->cost ? most : s->cost;
	s->cost = 0;
}

// unpacking is what the answers that are being unpacked are taken to cost. It finds a free slot, -1 for none.
static int64_t unpacking(int64_t now, int *free_slot) {
	int64_t sum = 0;

	*free_slot = -1;
	for (int i = 0; i < UNPACKING; i++) {
		slot *s = &gate.slots[i];

		if (s->cost > 0 && done(s, now))
			release(s);
		sum += s->cost;
		if (s->cost == 0)
			*free_slot = i;
	}
	return sum;
}

// may tells whether there is room for an answer, or only this one stands between the heap and its limit.
static int may(int64_t limit, int64_t cost, int64_t now, int *free_slot) {
	int64_t busy = unpacking(now, free_slot);

	if (*free_slot < 0)
		return 0;
	return gate.used + gate.since + busy + cost <= limit ||
	       (busy == 0 && gate.since == 0 && gate.used < limit);
}

// leave ends what the thread was unpacking: it has come to the next answer or request.
static void leave(void) {
	slot *s = &gate.slots[my_slot];

	if (my_visit == 0)
		return;
	if (s->visit == my_visit && s->cost > 0) {
		s->ran = read_clock(s->clock);
		release(s);
		pthread_cond_broadcast(&gate.changed);
	}
	my_visit = 0;
}

static void wait_some(int64_t ns) {
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ns;
	if (t.tv_nsec >= 1000 * MS) {
		t.tv_nsec -= 1000 * MS;
		t.tv_sec++;
	}
	pthread_cond_timedwait(&gate.changed, &gate.mu, &t);
}

// enter waits until an answer of so many bytes may be unpacked.
static void enter(sluice_gate *g, int64_t size) {
	int64_t cost = size * EXPANSION, now = now_ns(), arrived = now;
	uint64_t let_in = g->let_in;
	slot *s;
	int i;

	if (g->limit == 0)
		return;
	if (cost > g->limit / 4)
		cost = g->limit / 4 + 1;
	if (gate.looked == 0)
		look(now);
	while (!may(g->limit, cost, now, &i)) {
		look(now);
		if (may(g->limit, cost, now, &i))
			break;
		if (g->open || g->let_in != let_in || now - arrived > PATIENCE)
			return;
		if (atomic_fetch_add(&g->waiting, 1) == 0)
			g->arrived = arrived;
		wait_some(MS);
		atomic_fetch_sub(&g->waiting, 1);
		now = now_ns();
	}
	my_slot = i;
	my_visit = ++gate.visits;
	s = &gate.slots[i];
	*s = (slot){.cost = cost, .visit = my_visit, .at = now};
	pthread_getcpuclockid(pthread_self(), &s->clock);
	s->from = s->ran = read_clock(s->clock);
}

static int on_response(rd_kafka_t *rk, int sockfd, const char *name, int32_t id, int16_t key, int16_t version,
		       int32_t correlation, size_t size, int64_t rtt, int err, void *opaque) {
	(void)rk, (void)sockfd, (void)name, (void)id, (void)version, (void)correlation, (void)rtt;
	if (key != FETCH || size == 0 || err != 0)
		return 0;
	pthread_mutex_lock(&gate.mu);
	leave();
	enter(opaque, (int64_t)size);
	pthread_mutex_unlock(&gate.mu);
	return 0;
}

static int on_request(rd_kafka_t *rk, int sockfd, const char *name, int32_t id, int16_t key, int16_t version,
		      int32_t correlation, size_t size, void *opaque) {
	(void)rk, (void)sockfd, (void)name, (void)id, (void)key, (void)version, (void)correlation, (void)size, (void)opaque;
	if (my_visit == 0)
		return 0;
	pthread_mutex_lock(&gate.mu);
	leave();
	pthread_mutex_unlock(&gate.mu);
	return 0;
}

static int on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *err, size_t size) {
	(void)conf, (void)err, (void)size;
	rd_kafka_interceptor_add_on_response_received(rk, "sluice", on_response, opaque);
	return rd_kafka_interceptor_add_on_request_sent(rk, "sluice", on_request, opaque);
}

// sluice_gate_new gives a consumer that is to be made its part. It is freed when the consumer is destroyed.
sluice_gate *sluice_gate_new(rd_kafka_conf_t *conf) {
	sluice_gate *g = calloc(1, sizeof(*g));

	if (g != NULL)
		rd_kafka_conf_interceptor_add_on_new(conf, "sluice", on_new, g);
	return g;
}

// sluice_gate_limit says how many bytes of the heap may be in use before a consumer's answers are held back; 0 is no
// limit.
void sluice_gate_limit(sluice_gate *g, int64_t limit) {
	pthread_mutex_lock(&gate.mu);
	g->limit = limit;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mu);
}

// sluice_gate_held_back tells whether answers wait because the heap is all but full.
int sluice_gate_held_back(sluice_gate *g) {
	int held;

	pthread_mutex_lock(&gate.mu);
	held = g->waiting > 0 && now_ns() - g->arrived > HELD_BACK && gate.used > g->limit - g->limit / 8;
	pthread_mutex_unlock(&gate.mu);
	return held;
}

// sluice_gate_let_in lets those in that wait, and with ever all who will come.
void sluice_gate_let_in(sluice_gate *g, int ever) {
	pthread_mutex_lock(&gate.mu);
	g->let_in++;
	g->open |= ever;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mu);
}
