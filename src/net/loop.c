/* SPDX-License-Identifier: MIT */
/*
 * loop: the turn of a shard. See loop.h for its order; nothing here knows what the tasks do.
 * Sleeping and ringing: a shard says that it is about to sleep and then looks for letters once
 * more; a sender leaves its letters and then looks whether the receiver sleeps. So one of the
 * two always sees the other, and a busy shard costs no system call.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "net/conn.h"
#include "net/inside.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/timer.h"

#define SECOND 1000000
#define LONGEST_WAIT SECOND             /* health checks want a tick */
/* beyond the time waited for: the process was stopped (F25) */
#define LONG_STOP (5 * SECOND)
#define UNBOUND_BUDGET 2000             /* µs a turn */
#define MAX_HOOKS 16

struct hook {
	void (*fn)(void *);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct event *timer, *bell_event;
	int id, bell;
	bool again, woke;               /* woke: the clock has moved since the wait */
	atomic_bool stopping, asleep, rung;
	_Atomic int64_t tick;
	int64_t slept_at;               /* raw clock before the wait */
	int64_t waited;                 /* how long it was meant to be */
	int64_t woke_at;                /* raw clock after it */
	struct link ready[LOOP_PRIORITIES];
	struct hook start[MAX_HOOKS], end[MAX_HOOKS];
	int starts, ends;
};

static struct loop *loops;
static int loops_n;
static _Thread_local struct loop *self;

static int64_t
raw_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

int64_t (*loop_raw_clock)(void) = raw_clock;

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;        /* the turn looks at the time-outs anyway */
}

static void
on_bell(evutil_socket_t fd, short what, void *arg)
{
	uint64_t times;

	(void)what, (void)arg;
	if (read(fd, &times, sizeof(times)) < 0)
		sc_assert(errno == EAGAIN || errno == EINTR);
}

static void
loop_make(struct loop *l, int id)
{
	struct event_config *conf = event_config_new();

	sc_assert(conf != NULL);
	event_config_set_flag(conf, EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(conf);
	event_config_free(conf);
	sc_assert(l->base != NULL);
	l->id = id;
	l->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	sc_assert(l->bell >= 0);
	l->bell_event = event_new(l->base, l->bell, EV_READ | EV_PERSIST, on_bell, NULL);
	l->timer = evtimer_new(l->base, on_timer, NULL);
	sc_assert(l->bell_event != NULL && l->timer != NULL);
	event_add(l->bell_event, NULL);
	for (int i = 0; i < LOOP_PRIORITIES; i++)
		link_init(&l->ready[i]);
}

void
loop_setup(int shards)
{
	sc_assert(loops == NULL && shards > 0 && shards <= LOOP_MAX_SHARDS);
	signal(SIGPIPE, SIG_IGN);       /* OpenSSL writes with write(2) */
	loops = calloc((size_t)shards, sizeof(*loops));
	sc_assert(loops != NULL);
	loops_n = shards;
	for (int i = 0; i < shards; i++)
		loop_make(&loops[i], i);
	mailbox_setup(shards);
	timers_setup(shards);
	conn_setup(shards);
}

void
loop_teardown(void)
{
	conn_teardown();
	timers_teardown();
	mailbox_teardown();
	for (int i = 0; i < loops_n; i++) {
		event_free(loops[i].timer);
		event_free(loops[i].bell_event);
		close(loops[i].bell);
		event_base_free(loops[i].base);
	}
	free(loops);
	loops = NULL;
	loops_n = 0;
	self = NULL;
}

int
loop_count(void)
{
	return loops_n;
}

int
loop_id(void)
{
	return self == NULL ? -1 : self->id;
}

struct loop *
loop_self(void)
{
	return self;
}

struct event_base *
loop_base(int id)
{
	sc_assert(id >= 0 && id < loops_n);
	return loops[id].base;
}

void
loop_become(int id)
{
	sc_assert(id >= 0 && id < loops_n);
	self = &loops[id];
}

static void
add_hook(struct hook *hooks, int *n, void (*fn)(void *), void *arg)
{
	sc_assert(*n < MAX_HOOKS);
	hooks[*n].fn = fn;
	hooks[*n].arg = arg;
	(*n)++;
}

void
loop_at_turn_start(void (*fn)(void *), void *arg)
{
	add_hook(self->start, &self->starts, fn, arg);
}

void
loop_at_turn_end(void (*fn)(void *), void *arg)
{
	add_hook(self->end, &self->ends, fn, arg);
}

void
loop_again(void)
{
	if (self != NULL)
		self->again = true;
}

int64_t
loop_last_tick(int id)
{
	return atomic_load_explicit(&loops[id].tick, memory_order_relaxed);
}

void
loop_ring(int id)
{
	static const uint64_t one = 1;
	struct loop *l = &loops[id];

	atomic_store(&l->rung, true);
	if (atomic_exchange(&l->asleep, false)) {
		/* It cannot be full: the sleeper is rung once and reads it. */
		if (write(l->bell, &one, sizeof(one)) < 0)
			sc_assert(errno == EAGAIN || errno == EINTR);
	}
}

void
loop_stop(int id)
{
	atomic_store(&loops[id].stopping, true);
	loop_ring(id);
}

void
loop_task_init(struct loop_task *task, void (*run)(struct loop_task *))
{
	link_init(&task->link);
	task->run = run;
}

void
loop_queue(struct loop_task *task, int priority)
{
	sc_assert(self != NULL && priority >= 0 && priority < LOOP_PRIORITIES);
	if (link_alone(&task->link))
		link_append(&self->ready[priority], &task->link);
}

void
loop_unqueue(struct loop_task *task)
{
	link_remove(&task->link);
}

static bool
has_tasks(const struct loop *l)
{
	for (int i = 0; i < LOOP_PRIORITIES; i++)
		if (!link_alone(&l->ready[i]))
			return true;
	return false;
}

static int64_t
may_wait_for(struct loop *l, int64_t now)
{
	int64_t next = timeout_next_us();       /* as of the top of the turn */

	if (l->again || has_tasks(l))
		return 0;
	if (next < 0 || next > LONGEST_WAIT)
		return LONGEST_WAIT;
	next -= now - l->woke_at;
	return next > 0 ? next : 0;
}

/* Event callbacks run in here, so they must not do more than queue tasks, or else call
 * loop_woke(). */
static void
wait_for_events(struct loop *l, bool may_wait)
{
	int64_t now = loop_raw_clock();
	int64_t wait = may_wait ? may_wait_for(l, now) : 0;

	l->again = false;
	l->woke = false;
	l->slept_at = now;
	if (wait > 0) {
		atomic_store(&l->asleep, true);
		if (atomic_load(&l->rung))
			wait = 0;
	}
	l->waited = wait;
	if (wait > 0) {
		struct timeval tv = { .tv_sec = wait / SECOND, .tv_usec = wait % SECOND };

		event_add(l->timer, &tv);
	}
	event_base_loop(l->base, wait > 0 ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
	atomic_store(&l->asleep, false);
}

/* SIGSTOP, a suspended machine: nobody's time-out ran while we did not (reliability F25). */
static void
forgive_long_stop(struct loop *l, int64_t now)
{
	int64_t in_turn = l->woke_at > 0 ? l->slept_at - l->woke_at : 0;
	/* 0: before the first turn */
	int64_t overslept = l->slept_at > 0 ? now - l->slept_at - l->waited : 0;
	int64_t lost = 0;

	if (in_turn > LONG_STOP)
		lost += in_turn;
	if (overslept > LONG_STOP)
		lost += overslept;
	l->woke_at = now;
	if (lost == 0)
		return;
	timers_skip(lost);
	sc_log(NULL, SC_LOG_WARN, "loop.was_stopped", "shard=%d ms=%lld", l->id,
		(long long)(lost / 1000));
}

void
loop_woke(void)
{
	struct loop *l = self;

	if (l == NULL || l->woke)
		return;
	l->woke = true;
	clock_update();
	atomic_store_explicit(&l->tick, clock_mono(), memory_order_relaxed);
	forgive_long_stop(l, loop_raw_clock());
}

/* Runs what is in the list now, not what is added meanwhile; at least one, then until the budget
 * (0: none) is used up. */
static void
run_tasks(struct loop *l, int priority, int64_t budget)
{
	struct link *ready = &l->ready[priority], now;
	int64_t end;

	if (link_alone(ready))
		return;
	now = *ready;
	now.next->prev = now.prev->next = &now;
	link_init(ready);
	end = budget > 0 ? loop_raw_clock() + budget : INT64_MAX;
	do {
		struct loop_task *task = container_of(now.next, struct loop_task, link);

		link_remove(&task->link);
		task->run(task);
	} while (!link_alone(&now) && (budget == 0 || loop_raw_clock() < end));
	if (link_alone(&now))
		return;
	/* The rest goes before what came meanwhile. */
	now.prev->next = ready->next;
	ready->next->prev = now.prev;
	ready->next = now.next;
	now.next->prev = ready;
}

static void
run_hooks(const struct hook *hooks, int n)
{
	for (int i = 0; i < n; i++)
		hooks[i].fn(hooks[i].arg);
}

static void
turn(struct loop *l, bool may_wait)
{
	wait_for_events(l, may_wait);
	loop_woke();
	run_hooks(l->start, l->starts);
	conn_turn_start();
	if (atomic_exchange(&l->rung, false))
		mailbox_take();
	timeout_run_due();
	run_tasks(l, LOOP_PRIORITY_BOUND, 0);
	run_tasks(l, LOOP_PRIORITY_UNBOUND, UNBOUND_BUDGET);
	run_tasks(l, LOOP_PRIORITY_LISTEN, 0);
	mailbox_turn_end();
	run_hooks(l->end, l->ends);
	mailbox_turn_end();
	conn_bury();
}

void
loop_run(int id, void (*start)(void *), void (*finish)(void *), void *arg)
{
	loop_become(id);
	clock_update();
	self->woke_at = self->slept_at = loop_raw_clock();
	if (start != NULL)
		start(arg);
	while (!atomic_load_explicit(&self->stopping, memory_order_relaxed))
		turn(self, true);
	if (finish != NULL)
		finish(arg);
	conn_bury();
}

void
loop_turn(void)
{
	sc_assert(self != NULL);
	/* Turns by hand come when the test wants them; only one that brings its own raw clock
	 * means a stop by a gap. */
	if (loop_raw_clock == raw_clock)
		self->woke_at = raw_clock();
	turn(self, false);
}
