#include "abi.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

// HURRY_MS is how long nothing lingers at first: longer than the producer's threads take to wake up. While no more than
// SLUICE_FEW records are there it is done again, twice as long, up to HURRY_MOST_MS: a connection may have to be made.
enum { HURRY_MS = 2, HURRY_MOST_MS = 64 };

// A hurrier is a thread of its own that has a producer not linger for a moment. librdkafka's only way is rd_kafka_flush:
// as long as a thread waits in it, nothing lingers. It ends early when all that was produced has been reported.
struct sluice_hurrier {
	rd_kafka_t *rk;
	pthread_t thread;
	sem_t wanted;
	atomic_bool asked; // and not heard yet
	atomic_bool ending;
};

static void *hurry(void *argument) {
	sluice_hurrier *h = argument;

	for (;;) {
		while (sem_wait(&h->wanted) != 0)
			;
		if (atomic_load(&h->ending))
			return NULL;
		atomic_store(&h->asked, 0);
		for (int ms = HURRY_MS; ms <= HURRY_MOST_MS && !atomic_load(&h->ending); ms *= 2)
			if (rd_kafka_flush(h->rk, ms) == 0 || rd_kafka_outq_len(h->rk) > SLUICE_FEW)
				break;
	}
}

// sluice_hurrier_start returns NULL when there is no thread to be had.
sluice_hurrier *sluice_hurrier_start(rd_kafka_t *rk) {
	sluice_hurrier *h = calloc(1, sizeof(*h));
	sigset_t all, before;
	int err;

	if (h == NULL)
		return NULL;
	h->rk = rk;
	sem_init(&h->wanted, 0, 0);
	sigfillset(&all); // signals are for Go's threads, as with librdkafka's own
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&h->thread, NULL, hurry, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0) {
		free(h);
		return NULL;
	}
	return h;
}

// sluice_hurrier_stop returns when the thread has ended. The hurrier is not freed: some session may be about to ask it,
// in vain.
void sluice_hurrier_stop(sluice_hurrier *h) {
	atomic_store(&h->ending, 1);
	sem_post(&h->wanted);
	pthread_join(h->thread, NULL);
}

// sluice_hurry asks for it. It does not wait.
void sluice_hurry(void *hurrier) {
	sluice_hurrier *h = hurrier;

	if (!atomic_exchange(&h->asked, 1))
		sem_post(&h->wanted);
}
