/* SPDX-License-Identifier: MIT */
/*
 * mailbox: letters between shards, first in first out per pair (design §4). Filled during a
 * turn, handed over once at its end.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <stddef.h>
#include <stdbool.h>

/* Embedded in whatever travels. open() runs on the receiving shard and owns the letter from
 * then. */
struct letter {
	struct letter *next;
	void (*open)(struct letter *);
	/* bytes that travel with it, for the mark; at least its own size */
	size_t weight;
};

/* Never blocks, never fails. To the own shard too: it is opened in the next turn (order kept). */
void mailbox_post(int to_shard, struct letter *);
/* From a thread that is no shard (offload pool, control): taken in the next turn of the target. */
void mailbox_post_outside(int to_shard, struct letter *);
/* This shard has more than mailbox_high bytes untaken somewhere: it must not read sockets, and
 * slices stop. */
bool mailbox_choked(void);
void mailbox_high(size_t bytes);                /* setting, default 8 MiB */
/* Calls fn once on this shard when mailbox_choked() turns false again. */
void mailbox_when_clear(void (*fn)(void *), void *arg);
void mailbox_turn_end(void);                    /* called by the loop */
/* nothing posted anywhere that was not opened; any thread, for `test settle` */
bool mailbox_idle(void);

#endif
