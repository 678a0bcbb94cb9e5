/* SPDX-License-Identifier: MIT */
/*
 * loop: one event loop per shard, and the turn (design §4). A turn is event_base_loop(EVLOOP_ONCE), then every function
 * registered with loop_at_turn_end(), in order of registration. Priorities: mailboxes, database and bound streams; unbound streams;
 * listeners.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <event2/event.h>

#define LOOP_PRIORITY_BOUND 0
#define LOOP_PRIORITY_UNBOUND 1
#define LOOP_PRIORITY_LISTEN 2

#define LOOP_MAX_SHARDS 256

struct loop;

void loop_setup(int shards);                    /* before the threads: makes all loops and mailboxes */
int loop_count(void);
int loop_id(void);                              /* of the calling thread; -1 outside shards */
struct loop *loop_self(void);
struct event_base *loop_base(int id);
/* Runs shard `id` on the calling thread until loop_stop(). start(arg) is called first, on the thread; finish(arg) last. */
void loop_run(int id, void (*start)(void *), void (*finish)(void *), void *arg);
void loop_stop(int id);                         /* any thread; ends after the current turn */
void loop_at_turn_start(void (*fn)(void *), void *arg);         /* of this thread's loop */
void loop_at_turn_end(void (*fn)(void *), void *arg);
void loop_again(void);                          /* this turn left work: do not sleep before the next one */
int64_t loop_last_tick(int id);                 /* clock_mono of the last turn's start, any thread (health checks) */
/* Flow tests: makes the calling thread be shard `id`, and runs one turn without waiting. */
void loop_become(int id);
void loop_turn(void);
void loop_teardown(void);

#endif
