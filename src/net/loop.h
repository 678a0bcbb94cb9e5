/* SPDX-License-Identifier: MIT */
/*
 * loop: one event loop per shard, and the turn (design §4). A turn is
 *	event_base_loop(EVLOOP_ONCE)    only finds out what is ready
 *	loop_woke()                     the clock moves
 *	turn-start functions            new snapshots are taken up
 *	letters, time-outs
 *	tasks by priority               bound streams and the database; unbound streams (2 ms
 *	together); listeners turn-end functions, in order of registration; letters are handed over
 *	before and after them
 *
 * The priorities are ours, not libevent's: with several of those one EVLOOP_ONCE does not return
 * while a descriptor of a higher queue stays readable, and the lower queues starve (seen with
 * 2.1.12: 1.5 million callbacks of priority 0, none of 1). So every base has the one default
 * priority, event callbacks only queue a loop_task, and the loop runs those.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>
#include "base/list.h"

#define LOOP_PRIORITY_BOUND 0
#define LOOP_PRIORITY_UNBOUND 1
#define LOOP_PRIORITY_LISTEN 2
#define LOOP_PRIORITIES 3

#define LOOP_MAX_SHARDS 256

struct loop;

/* before the threads: makes all loops and mailboxes */
void loop_setup(int shards);
int loop_count(void);
int loop_id(void);                              /* of the calling thread; -1 outside shards */
struct loop *loop_self(void);
struct event_base *loop_base(int id);
/* Runs shard `id` on the calling thread until loop_stop(). start(arg) is called first, on the
 * thread; finish(arg) last. */
void loop_run(int id, void (*start)(void *), void (*finish)(void *), void *arg);
void loop_stop(int id);                         /* any thread; ends after the current turn */
void loop_at_turn_start(void (*fn)(void *), void *arg);         /* of this thread's loop */
void loop_at_turn_end(void (*fn)(void *), void *arg);
/* this turn left work: do not sleep before the next one */
void loop_again(void);
/* clock_mono of the last turn's start, any thread (health checks) */
int64_t loop_last_tick(int id);
/* Flow tests: makes the calling thread be shard `id`, and runs one turn without waiting. */
void loop_become(int id);
void loop_turn(void);
void loop_teardown(void);                       /* all threads have ended */

/*
 * A task runs once in this turn (when queued from an event callback, a letter or a time-out) or
 * the next, in the order queued within its priority. A running task may queue itself again.
 * Embedded in its owner; unlink it before freeing.
 */
struct loop_task {
	struct link link;
	void (*run)(struct loop_task *);
};

void loop_task_init(struct loop_task *, void (*run)(struct loop_task *));
/* keeps its place when it is queued already */
void loop_queue(struct loop_task *, int priority);
void loop_unqueue(struct loop_task *);                  /* harmless when it is not queued */

/* To be called first in a libevent callback that does more than queue a task (libpq's, c-ares'):
 * moves the clock, which otherwise still shows the time before the wait. Cheap; only the first
 * call in a turn does anything. */
void loop_woke(void);

#endif
