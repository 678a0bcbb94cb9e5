/* SPDX-License-Identifier: MIT */
/*
 * mailbox: one box per pair of shards, plus one per shard for letters from outside. A letter
 * lies in three places in turn:
 *	staged          the sender's own list, during its turn; no lock
 *	box             handed over at the end of the turn, under the box's lock
 *	taken           the receiver's own list, opened in slices
 * The weight of a box counts from posting to opening, so a shard that takes letters but does not
 * get to opening them is seen as full as well. Nobody ever waits here: a sender over the mark is
 * told (mailbox_choked), and stops reading its sockets.
 */
#include "config.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <stonechat/log.h>
#include "base/budget.h"
#include "base/stats.h"
#include "net/inside.h"
#include "net/loop.h"
#include "net/mailbox.h"

#define HIGH_DEFAULT ((size_t)8 << 20)
#define SLICE 512               /* letters of one sender opened in a turn */

struct chain {
	struct letter *first, *last;
};

struct box {
	/* The sender's. */
	alignas(64) struct chain staged;
	size_t staged_weight, staged_n;
	_Atomic uint64_t posted;
	/* Of both. */
	alignas(64) pthread_mutex_t lock;
	struct chain handed;
	atomic_size_t weight;           /* handed over and not opened */
	/* ring the sender when the weight falls below half the mark */
	atomic_bool sender_waits;
	/* The receiver's. */
	alignas(64) struct chain taken;
	_Atomic uint64_t opened;
};

struct waiter {
	void (*fn)(void *);
	void *arg;
};

/* What a shard knows about its own sending. */
struct sender {
	alignas(64) bool choked;
	bool staged[LOOP_MAX_SHARDS];   /* has something for them since the last hand-over */
	bool any_staged;
	size_t charged;                 /* to the budget */
	struct waiter *waiters;
	int waiters_n, waiters_room;
};

static struct box *boxes;               /* (from, to) at from * n + to; from == n: outside */
static struct sender *senders;
static int n;
static atomic_size_t high = HIGH_DEFAULT;

static struct box *
box_of(int from, int to)
{
	return &boxes[(size_t)from * (size_t)n + (size_t)to];
}

void
mailbox_setup(int shards)
{
	size_t pairs = (size_t)(shards + 1) * (size_t)shards;

	n = shards;
	boxes = aligned_alloc(64, pairs * sizeof(*boxes));
	senders = aligned_alloc(64, (size_t)shards * sizeof(*senders));
	sc_assert(boxes != NULL && senders != NULL);
	for (size_t i = 0; i < pairs; i++) {
		boxes[i] = (struct box){ 0 };
		pthread_mutex_init(&boxes[i].lock, NULL);
	}
	for (int i = 0; i < shards; i++)
		senders[i] = (struct sender){ 0 };
}

void
mailbox_teardown(void)
{
	for (size_t i = 0; i < (size_t)(n + 1) * (size_t)n; i++)
		pthread_mutex_destroy(&boxes[i].lock);
	for (int i = 0; i < n; i++)
		free(senders[i].waiters);
	free(boxes);
	free(senders);
	boxes = NULL;
	senders = NULL;
	n = 0;
}

void
mailbox_high(size_t bytes)
{
	atomic_store(&high, bytes);
}

static size_t
weigh(const struct letter *letter)
{
	return letter->weight < sizeof(*letter) ? sizeof(*letter) : letter->weight;
}

static void
chain_add(struct chain *chain, struct letter *letter)
{
	letter->next = NULL;
	if (chain->first == NULL)
		chain->first = letter;
	else
		chain->last->next = letter;
	chain->last = letter;
}

/* Appends all of `more`, and empties it. */
static void
chain_join(struct chain *chain, struct chain *more)
{
	if (more->first == NULL)
		return;
	if (chain->first == NULL)
		*chain = *more;
	else
		chain->last->next = more->first, chain->last = more->last;
	*more = (struct chain){ 0 };
}

/* As seen by the sender. */
static size_t
weight_of(struct box *box)
{
	return box->staged_weight + atomic_load_explicit(&box->weight, memory_order_relaxed);
}

/* A counter that only one thread writes. */
static void
count(_Atomic uint64_t *counter, uint64_t by)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + by, memory_order_release);
}

void
mailbox_post(int to, struct letter *letter)
{
	int from = loop_id();
	struct sender *me = &senders[from];
	struct box *box = box_of(from, to);

	sc_assert(from >= 0 && to >= 0 && to < n);
	chain_add(&box->staged, letter);
	box->staged_weight += weigh(letter);
	box->staged_n++;
	me->staged[to] = me->any_staged = true;
	count(&box->posted, 1);
	if (!me->choked && weight_of(box) > atomic_load(&high)) {
		me->choked = true;
		STAT_INC(mailbox_choked);
	}
}

void
mailbox_post_outside(int to, struct letter *letter)
{
	struct box *box;
	struct chain one = { 0 };

	sc_assert(to >= 0 && to < n);
	box = box_of(n, to);
	chain_add(&one, letter);
	atomic_fetch_add(&box->posted, 1);
	atomic_fetch_add(&box->weight, weigh(letter));
	pthread_mutex_lock(&box->lock);
	chain_join(&box->handed, &one);
	pthread_mutex_unlock(&box->lock);
	loop_ring(to);
}

static void
hand_over(struct box *box, int to)
{
	atomic_fetch_add(&box->weight, box->staged_weight);
	stats_add(STAT_mailbox_letters, (int64_t)box->staged_n);
	box->staged_weight = 0;
	box->staged_n = 0;
	pthread_mutex_lock(&box->lock);
	chain_join(&box->handed, &box->staged);
	pthread_mutex_unlock(&box->lock);
	loop_ring(to);
}

bool
mailbox_choked(void)
{
	int id = loop_id();

	return id >= 0 && senders[id].choked;
}

/* True when one box is not below half the mark; then its receiver will ring. The receiver lowers
 * the weight first and looks at the flag second, we do it the other way round, so it cannot be
 * missed. */
static bool
still_choked(int from)
{
	bool still = false;
	size_t half = atomic_load(&high) / 2;

	for (int to = 0; to < n; to++) {
		struct box *box = box_of(from, to);

		if (box->staged_weight + atomic_load(&box->weight) <= half)
			continue;
		atomic_store(&box->sender_waits, true);
		if (box->staged_weight + atomic_load(&box->weight) > half)
			still = true;
	}
	return still;
}

void
mailbox_when_clear(void (*fn)(void *), void *arg)
{
	struct sender *me = &senders[loop_id()];

	if (me->waiters_n == me->waiters_room) {
		me->waiters_room = me->waiters_room == 0 ? 8 : 2 * me->waiters_room;
		me->waiters = realloc(me->waiters,
			(size_t)me->waiters_room * sizeof(struct waiter));
		sc_assert(me->waiters != NULL);
	}
	me->waiters[me->waiters_n++] = (struct waiter){ fn, arg };
	if (!me->choked)
		loop_ring(loop_id());
}

/* A waiter may post, and choke the shard again, or wait again: each is called once, the new ones
 * stay. */
static void
call_waiters(struct sender *me)
{
	struct waiter *list = me->waiters;
	int count = me->waiters_n;

	me->waiters = NULL;
	me->waiters_n = me->waiters_room = 0;
	for (int i = 0; i < count; i++)
		list[i].fn(list[i].arg);
	free(list);
}

static void
look_at_mark(int id)
{
	struct sender *me = &senders[id];

	if (me->choked && !still_choked(id)) {
		me->choked = false;
		loop_ring(id);          /* its waiters are called when it takes its letters */
	}
}

static void
charge(int from)
{
	struct sender *me = &senders[from];
	size_t now = 0;

	for (int to = 0; to < n; to++)
		now += weight_of(box_of(from, to));
	if (now != me->charged)
		budget_charge(BUDGET_MAILBOX, (int64_t)now - (int64_t)me->charged);
	me->charged = now;
}

void
mailbox_turn_end(void)
{
	int from = loop_id();
	struct sender *me = &senders[from];

	if (me->any_staged) {
		for (int to = 0; to < n; to++) {
			if (!me->staged[to])
				continue;
			me->staged[to] = false;
			hand_over(box_of(from, to), to);
		}
		me->any_staged = false;
	} else if (me->charged == 0) {
		return;
	}
	charge(from);
	look_at_mark(from);
}

/* Opens up to a slice; says whether letters are left. */
static bool
open_some(struct box *box, int from)
{
	size_t weight = 0;
	uint64_t opened = 0;

	while (box->taken.first != NULL && opened < SLICE) {
		struct letter *letter = box->taken.first;

		box->taken.first = letter->next;
		weight += weigh(letter);
		opened++;
		letter->open(letter);
	}
	if (opened == 0)
		return false;
	atomic_fetch_sub(&box->weight, weight);
	count(&box->opened, opened);
	if (from < n && atomic_load(&box->sender_waits) &&
		atomic_load(&box->weight) <= atomic_load(&high) / 2) {
		atomic_store(&box->sender_waits, false);
		loop_ring(from);
	}
	return box->taken.first != NULL;
}

static void
take(struct box *box)
{
	pthread_mutex_lock(&box->lock);
	chain_join(&box->taken, &box->handed);
	pthread_mutex_unlock(&box->lock);
}

void
mailbox_take(void)
{
	int to = loop_id();
	bool left = false;

	look_at_mark(to);
	if (!senders[to].choked && senders[to].waiters_n > 0)
		call_waiters(&senders[to]);
	/* All are taken before the first is opened: what is posted to the own shard meanwhile is
	 * opened in the next turn. */
	for (int from = 0; from <= n; from++)
		take(box_of(from, to));
	for (int from = 0; from <= n; from++)
		left |= open_some(box_of(from, to), from);
	if (left)
		loop_ring(to);
}

/* What was opened is read first: it can only have grown since, as has what was posted. So equal
 * sums mean that there was an instant at which nothing lay anywhere. A letter counts as opened
 * when open() has returned, after what that posted. */
bool
mailbox_idle(void)
{
	uint64_t opened = 0, posted = 0;
	size_t pairs = (size_t)(n + 1) * (size_t)n;

	for (size_t i = 0; i < pairs; i++)
		opened += atomic_load(&boxes[i].opened);
	for (size_t i = 0; i < pairs; i++)
		posted += atomic_load(&boxes[i].posted);
	return opened == posted;
}
