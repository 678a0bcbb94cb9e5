/* SPDX-License-Identifier: MIT */
/*
 * timer: a list per duration and shard. Within a list the time-outs stand in the order in which
 * they fall due, because all are armed for the same time from now; so arming appends, and only
 * the heads are ever looked at. `next` is a lower bound: disarming does not look for a new
 * earliest one, the turn that finds nothing due does.
 */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "net/inside.h"
#include "net/loop.h"
#include "net/timer.h"

#define MANY_DURATIONS 64       /* beyond these an empty list is used again for another duration */

struct duration {
	int64_t ms;
	struct link head;
};

struct timers {
	struct duration **durations;
	int n, room, last_used;
	int64_t next;                   /* INT64_MAX: none */
	int64_t skipped;
};

static struct timers *timers;

void
timers_setup(int shards)
{
	timers = calloc((size_t)shards, sizeof(*timers));
	sc_assert(timers != NULL);
	for (int i = 0; i < shards; i++)
		timers[i].next = INT64_MAX;
}

void
timers_teardown(void)
{
	for (int i = 0; i < loop_count(); i++) {
		for (int k = 0; k < timers[i].n; k++)
			free(timers[i].durations[k]);
		free(timers[i].durations);
	}
	free(timers);
	timers = NULL;
}

static struct timers *
mine(void)
{
	int id = loop_id();

	sc_assert(id >= 0);
	return &timers[id];
}

static int64_t
now_of(const struct timers *t)
{
	return clock_mono() - t->skipped;
}

void
timers_skip(int64_t us)
{
	mine()->skipped += us;
}

/* So that a caller with ever new durations costs an occasional look through the lists, not a
 * list each. */
static int
find_empty(const struct timers *t)
{
	for (int i = 0; i < t->n; i++)
		if (link_alone(&t->durations[i]->head))
			return i;
	return -1;
}

static struct duration *
new_duration(struct timers *t)
{
	struct duration *d = malloc(sizeof(*d));

	if (t->n == t->room) {
		t->room = t->room == 0 ? 16 : 2 * t->room;
		t->durations = realloc(t->durations, (size_t)t->room * sizeof(struct duration *));
	}
	sc_assert(d != NULL && t->durations != NULL);
	link_init(&d->head);
	t->last_used = t->n;
	t->durations[t->n++] = d;
	return d;
}

static struct duration *
add_duration(struct timers *t, int64_t ms)
{
	int empty = t->n < MANY_DURATIONS ? -1 : find_empty(t);
	struct duration *d = empty < 0 ? new_duration(t) : t->durations[empty];

	d->ms = ms;
	return d;
}

static struct duration *
find_duration(struct timers *t, int64_t ms)
{
	if (t->n > 0 && t->durations[t->last_used]->ms == ms)
		return t->durations[t->last_used];
	for (int i = 0; i < t->n; i++) {
		if (t->durations[i]->ms == ms) {
			t->last_used = i;
			return t->durations[i];
		}
	}
	return add_duration(t, ms);
}

void
timeout_init(struct timeout *timeout, void (*fn)(struct timeout *))
{
	link_init(&timeout->link);
	timeout->due = 0;
	timeout->fn = fn;
}

void
timeout_set(struct timeout *timeout, int64_t ms)
{
	struct timers *t = mine();

	/* from an event callback the clock could still show the time before the wait */
	loop_woke();
	if (ms < 0)
		ms = 0;
	link_remove(&timeout->link);
	timeout->due = now_of(t) + ms * 1000;
	link_append(&find_duration(t, ms)->head, &timeout->link);
	if (timeout->due < t->next)
		t->next = timeout->due;
}

void
timeout_clear(struct timeout *timeout)
{
	link_remove(&timeout->link);
}

bool
timeout_armed(const struct timeout *timeout)
{
	return !link_alone(&timeout->link);
}

static struct timeout *
head_of(const struct duration *d)
{
	return link_alone(&d->head) ? NULL : container_of(d->head.next, struct timeout, link);
}

/* Moves what is due to `due`, so that a time-out set meanwhile waits for the next turn. */
static void
collect_due(struct timers *t, int64_t now, struct link *due)
{
	t->next = INT64_MAX;
	for (int i = 0; i < t->n; i++) {
		struct timeout *first;

		while ((first = head_of(t->durations[i])) != NULL && first->due <= now) {
			link_remove(&first->link);
			link_append(due, &first->link);
		}
		if (first != NULL && first->due < t->next)
			t->next = first->due;
	}
}

void
timeout_run_due(void)
{
	struct timers *t = mine();
	int64_t now = now_of(t);
	struct link due;

	if (now < t->next)
		return;
	link_init(&due);
	collect_due(t, now, &due);
	while (!link_alone(&due)) {
		struct timeout *timeout = container_of(due.next, struct timeout, link);

		link_remove(&timeout->link);
		timeout->fn(timeout);
	}
}

int64_t
timeout_next_us(void)
{
	const struct timers *t = mine();
	int64_t left;

	if (t->next == INT64_MAX)
		return -1;
	left = t->next - now_of(t);
	return left > 0 ? left : 0;
}
