/* SPDX-License-Identifier: MIT */
/* loop: the order of a turn, priorities and their budget, stopping, and that a busy descriptor
 * starves nobody. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include "net/inside.h"
#include "net/timer.h"
#include "test_net_help.h"

static char seen[256];

static void
note(const char *text)
{
	strncat(seen, text, sizeof(seen) - strlen(seen) - 1);
}

static void note_hook(void *text) { note(text); }
static void run_bound(struct loop_task *t) { (void)t; note("bound "); }
static void run_unbound(struct loop_task *t) { (void)t; note("unbound "); }
static void run_listen(struct loop_task *t) { (void)t; note("listen "); }
static void run_timeout(struct timeout *t) { (void)t; note("timeout "); }
static void open_letter(struct letter *l) { (void)l; note("letter "); }

static void
test_order(void)
{
	static struct loop_task bound, unbound, listening;
	static struct timeout timeout;
	static struct letter letter = { .open = open_letter };

	loop_at_turn_start(note_hook, (void *)"start ");
	loop_at_turn_end(note_hook, (void *)"end1 ");
	loop_at_turn_end(note_hook, (void *)"end2 ");
	loop_task_init(&bound, run_bound);
	loop_task_init(&unbound, run_unbound);
	loop_task_init(&listening, run_listen);
	timeout_init(&timeout, run_timeout);
	mailbox_post(0, &letter);
	loop_turn();
	is_text(seen, "start end1 end2 ", "a letter to the own shard is not opened in the "
		"same turn");
	seen[0] = '\0';
	timeout_set(&timeout, 0);
	loop_queue(&listening, LOOP_PRIORITY_LISTEN);
	loop_queue(&unbound, LOOP_PRIORITY_UNBOUND);
	loop_queue(&bound, LOOP_PRIORITY_BOUND);
	loop_queue(&bound, LOOP_PRIORITY_BOUND);
	loop_turn();
	is_text(seen, "start letter timeout bound unbound listen end1 end2 ",
		"the order of a turn");
	seen[0] = '\0';
	loop_queue(&bound, LOOP_PRIORITY_BOUND);
	loop_unqueue(&bound);
	loop_turn();
	is_text(seen, "start end1 end2 ", "unqueued");
}

/* Tasks that each take a millisecond, by a clock of our own. */
static int64_t test_time;
static int runs[20], run_order[64], runs_n;
static struct loop_task slow[20];

static int64_t
test_raw_clock(void)
{
	return test_time;
}

static void
run_slow(struct loop_task *t)
{
	int i = (int)(t - slow);

	test_time += 1000;
	runs[i]++;
	run_order[runs_n++] = i;
}

static void
test_budget(void)
{
	int64_t (*real)(void) = loop_raw_clock;

	test_time = real();
	loop_raw_clock = test_raw_clock;
	for (int i = 0; i < 5; i++) {
		loop_task_init(&slow[i], run_slow);
		loop_queue(&slow[i], LOOP_PRIORITY_UNBOUND);
	}
	loop_turn();
	is_int(runs_n, 2, "2 ms for unbound streams: two tasks of 1 ms");
	loop_queue(&slow[0], LOOP_PRIORITY_UNBOUND);
	loop_turn();
	loop_turn();
	is_int(runs_n, 6, "the rest in the next turns");
	ok(run_order[2] == 2 && run_order[3] == 3 && run_order[4] == 4 && run_order[5] == 0,
		"in the order in which they came");
	loop_raw_clock = real;
}

/* Both descriptors stay readable; each is served once a turn, and the turn ends. */
static int hot, cold;
static struct loop_task hot_task, cold_task;

static void run_hot(struct loop_task *t) { (void)t; hot++; }
static void run_cold(struct loop_task *t) { (void)t; cold++; }
static void on_hot(evutil_socket_t fd, short what, void *arg) { (void)fd, (void)what, (void)arg;
	loop_queue(&hot_task, LOOP_PRIORITY_BOUND); }
static void on_cold(evutil_socket_t fd, short what, void *arg) { (void)fd, (void)what, (void)arg;
	loop_queue(&cold_task, LOOP_PRIORITY_LISTEN); }

static void
test_no_starving(void)
{
	int one[2], other[2];
	struct event *hot_event, *cold_event;

	help_pair(&one[0], &one[1]);
	help_pair(&other[0], &other[1]);
	loop_task_init(&hot_task, run_hot);
	loop_task_init(&cold_task, run_cold);
	hot_event = event_new(loop_base(0), one[0], EV_READ | EV_PERSIST, on_hot, NULL);
	cold_event = event_new(loop_base(0), other[0], EV_READ | EV_PERSIST, on_cold, NULL);
	event_add(hot_event, NULL);
	event_add(cold_event, NULL);
	ok(write(one[1], "x", 1) == 1 && write(other[1], "x", 1) == 1,
		"two descriptors are readable");
	help_turns(5);
	is_int(hot, 5, "the one of high priority is served once a turn");
	is_int(cold, 5, "and so is the one of low priority");
	event_free(hot_event);
	event_free(cold_event);
	close(one[0]), close(one[1]), close(other[0]), close(other[1]);
}

/* A thread that sleeps is woken by a letter, and by loop_stop(). */
static atomic_int opened, finished;

static void
count_letter(struct letter *l)
{
	(void)l;
	atomic_fetch_add(&opened, 1);
}

static void
note_finish(void *arg)
{
	(void)arg;
	atomic_store(&finished, 1);
}

static void *
shard_thread(void *arg)
{
	(void)arg;
	loop_run(1, NULL, note_finish, NULL);
	return NULL;
}

static bool
wait_for(atomic_int *what, int value)
{
	struct timespec pause = { .tv_nsec = 200000 };

	for (int i = 0; i < 50000 && atomic_load(what) != value; i++)
		nanosleep(&pause, NULL);
	return atomic_load(what) == value;
}

static void
test_thread(void)
{
	static struct letter letters[3] = { { .open = count_letter }, { .open = count_letter },
		{ .open = count_letter } };
	pthread_t thread;

	pthread_create(&thread, NULL, shard_thread, NULL);
	for (int i = 0; i < 2; i++) {
		mailbox_post_outside(1, &letters[i]);
		ok(wait_for(&opened, i + 1), "letter %d from outside is opened", i + 1);
	}
	mailbox_post(1, &letters[2]);
	loop_turn();
	ok(wait_for(&opened, 3), "a letter from another shard is opened");
	loop_stop(1);
	pthread_join(thread, NULL);
	is_int(atomic_load(&finished), 1, "loop_stop() ends it, finish() was called");
	ok(loop_last_tick(1) > 0, "it ticked");
	ok(mailbox_idle(), "nothing is under way");
}

int
main(void)
{
	loop_setup(2);
	is_int(loop_id(), -1, "outside shards");
	is_int(loop_count(), 2, "two shards");
	loop_become(0);
	is_int(loop_id(), 0, "become shard 0");
	test_order();
	test_budget();
	test_no_starving();
	test_thread();
	loop_teardown();
	return done_testing();
}
