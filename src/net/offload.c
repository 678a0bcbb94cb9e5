/* SPDX-License-Identifier: MIT */
/* offload: one queue, a few threads; a job comes back as a letter from outside. */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/offload.h"

#define MOST_WAITING 10000

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct letter *first, *last;    /* of the jobs that no thread has taken */
	bool ending;
	pthread_t *threads;
	int threads_n;
	atomic_int waiting;             /* queued or at work */
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER };

static void
come_back(struct letter *letter)
{
	struct job *job = container_of(letter, struct job, letter);

	job->done(job);
}

/* NULL: the pool ends and nothing is left. */
static struct job *
next_job(void)
{
	struct letter *letter;

	pthread_mutex_lock(&pool.lock);
	while (pool.first == NULL && !pool.ending)
		pthread_cond_wait(&pool.filled, &pool.lock);
	letter = pool.first;
	if (letter != NULL)
		pool.first = letter->next;
	pthread_mutex_unlock(&pool.lock);
	return letter == NULL ? NULL : container_of(letter, struct job, letter);
}

static void *
work(void *arg)
{
	struct job *job;

	(void)arg;
	log_thread_name("offload");
	while ((job = next_job()) != NULL) {
		job->work(job);
		mailbox_post_outside(job->shard, &job->letter);
		/* Only now: who waits for everything to come to rest must see it in one place or
		 * the other. */
		atomic_fetch_sub(&pool.waiting, 1);
	}
	return NULL;
}

void
offload_setup(int threads)
{
	sigset_t all, before;

	sc_assert(pool.threads == NULL && threads > 0);
	pool.ending = false;
	pool.threads = mem_new((size_t)threads * sizeof(*pool.threads));
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (pool.threads_n = 0; pool.threads_n < threads; pool.threads_n++)
		sc_assert(pthread_create(&pool.threads[pool.threads_n], NULL, work, NULL) == 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool
offload_run(struct job *job)
{
	sc_assert(pool.threads != NULL && loop_id() >= 0);
	if (atomic_fetch_add(&pool.waiting, 1) >= MOST_WAITING) {
		atomic_fetch_sub(&pool.waiting, 1);
		return false;
	}
	job->shard = loop_id();
	job->letter.open = come_back;
	job->letter.weight = sizeof(*job);
	job->letter.next = NULL;
	pthread_mutex_lock(&pool.lock);
	if (pool.first == NULL)
		pool.first = &job->letter;
	else
		pool.last->next = &job->letter;
	pool.last = &job->letter;
	pthread_cond_signal(&pool.filled);
	pthread_mutex_unlock(&pool.lock);
	return true;
}

void
offload_teardown(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.ending = true;
	pthread_cond_broadcast(&pool.filled);
	pthread_mutex_unlock(&pool.lock);
	for (int i = 0; i < pool.threads_n; i++)
		pthread_join(pool.threads[i], NULL);
	free(pool.threads);
	pool.threads = NULL;
	pool.threads_n = 0;
}

int
offload_waiting(void)
{
	return atomic_load(&pool.waiting);
}
