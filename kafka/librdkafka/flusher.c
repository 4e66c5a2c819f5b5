#include "sluice.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

// A flusher first flushes for FLUSH_MS: the producer's threads take less time to wake up. While SLUICE_FEW records or fewer
// are under way it flushes again. Each time takes twice as long, up to FLUSH_MOST_MS: the producer may have to connect to a
// broker first.
enum { FLUSH_MS = 2, FLUSH_MOST_MS = 64 };

// A flusher is a thread that calls rd_kafka_flush: librdkafka has no other way to end the lingering of records. No
// record lingers while a thread is inside that call. The call returns early when all records have been reported.
struct sluice_flusher {
	rd_kafka_t *rk;
	pthread_t thread;
	sem_t wanted;
	atomic_bool asked; // wanted was posted, and the thread has not seen it
	atomic_bool ending;
};

static void *run(void *argument) {
	sluice_flusher *f = argument;

	for (;;) {
		while (sem_wait(&f->wanted) != 0)
			;
		if (atomic_load(&f->ending))
			return NULL;
		atomic_store(&f->asked, 0);
		for (int ms = FLUSH_MS; ms <= FLUSH_MOST_MS && !atomic_load(&f->ending); ms *= 2)
			if (rd_kafka_flush(f->rk, ms) == 0 || rd_kafka_outq_len(f->rk) > SLUICE_FEW)
				break;
	}
}

// sluice_flusher_start returns NULL when the system refuses a thread.
sluice_flusher *sluice_flusher_start(rd_kafka_t *rk) {
	sluice_flusher *f = calloc(1, sizeof(*f));
	sigset_t all, before;
	int err;

	if (f == NULL)
		return NULL;
	f->rk = rk;
	sem_init(&f->wanted, 0, 0);
	sigfillset(&all); // Go's threads handle signals; librdkafka's own threads block them too
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&f->thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0) {
		free(f);
		return NULL;
	}
	return f;
}

// sluice_flusher_stop returns when the thread has ended. It does not free the flusher: a session may still call
// sluice_flush_soon, which then does nothing.
void sluice_flusher_stop(sluice_flusher *f) {
	atomic_store(&f->ending, 1);
	sem_post(&f->wanted);
	pthread_join(f->thread, NULL);
}

// sluice_flush_soon has the thread flush. It does not wait.
void sluice_flush_soon(sluice_flusher *f) {
	if (!atomic_exchange(&f->asked, 1))
		sem_post(&f->wanted);
}
