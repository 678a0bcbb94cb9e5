/* SPDX-License-Identifier: MIT */
/* offload: jobs run elsewhere and come back; the queue has an end; a teardown finishes what is
 * queued. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include "net/offload.h"
#include "test_net_help.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int worked;
static int done, done_shard, done_wrong;

struct sum {
	struct job job;
	int in, out;
};

static void
work(struct job *job)
{
	struct sum *sum = (struct sum *)job;

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	sum->out = loop_id() == -1 ? 2 * sum->in : -1;
	atomic_fetch_add(&worked, 1);
}

static void
finish(struct job *job)
{
	struct sum *sum = (struct sum *)job;

	done++;
	done_shard = loop_id();
	if (sum->out != 2 * sum->in)
		done_wrong++;
	free(sum);
}

static bool
ask(int in)
{
	struct sum *sum = calloc(1, sizeof(*sum));

	sum->job.work = work;
	sum->job.done = finish;
	sum->in = in;
	if (offload_run(&sum->job))
		return true;
	free(sum);
	return false;
}

int
main(void)
{
	int accepted = 0;

	loop_setup(2);
	loop_become(1);
	offload_setup(3);
	for (int i = 0; i < 100; i++)
		accepted += ask(i);
	is_int(accepted, 100, "a hundred jobs");
	ok(RUN_UNTIL(done == 100), "all come back");
	is_int(done_shard, 1, "to the shard that asked");
	is_int(done_wrong, 0, "having worked outside of it");
	is_int(offload_waiting(), 0, "none is waiting");

	pthread_mutex_lock(&gate);
	accepted = 0;
	for (int i = 0; i < 10050; i++)
		accepted += ask(i);
	is_int(accepted, 10000, "no more than 10,000 may wait");
	is_int(offload_waiting(), 10000, "they do");
	pthread_mutex_unlock(&gate);
	offload_teardown();
	is_int(atomic_load(&worked), 10100, "a teardown finishes what is queued");
	ok(RUN_UNTIL(done == 10100), "and it still comes back");
	ok(mailbox_idle(), "nothing is under way");
	loop_teardown();
	return done_testing();
}
