/* SPDX-License-Identifier: MIT */
/*
 * seen: when each account was last available, kept in memory until a batch writes it. The status
 * text of the last goodbye goes with it.
 */
#ifndef LAST_ACTIVITY_SEEN_H
#define LAST_ACTIVITY_SEEN_H

#include <stonechat/stonechat.h>

/* Longer goodbyes are not remembered. */
#define STATUS_MAX 1024

/* Of an entity. */
struct seen {
	int64_t at;                     /* wall µs; 0: not since the account was loaded */
	char *status;                   /* malloced; NULL: none */
	struct sc_entity *account;      /* pinned while `unwritten` */
	struct seen *next;              /* in the shard's list while `unwritten` */
	bool unwritten;
};

/* Of a shard. */
struct seen_shard {
	int64_t started;                /* monotonic µs */
	struct seen *unwritten;
	int n;
};

extern const struct sc_slot *const seen_slot, *const seen_shard_slot;

void seen_fini(void *slot);

/* The account is seen now. status NULL: none. */
void seen_now(struct sc_entity *account, const char *status);
/* Writes what has collected on this shard. */
void seen_write(const struct sc_stmt *);

#endif
