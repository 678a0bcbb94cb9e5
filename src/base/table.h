/* SPDX-License-Identifier: MIT */
/* table: intrusive chained hash table that grows; the caller owns the elements. Not thread-safe. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	uint32_t hash;
};

struct table {
	struct table_node **slots;
	uint32_t mask, count;           /* slots - 1; elements */
};

void table_init(struct table *);        /* no allocation until the first insert */
void table_free(struct table *);        /* the slots only; the elements are the caller's */
void table_insert(struct table *, struct table_node *, uint32_t hash);
void table_remove(struct table *, struct table_node *);         /* must be in it */
/* The first element with this hash for which same() says true; NULL. */
struct table_node *table_find(const struct table *, uint32_t hash,
	bool (*same)(const struct table_node *, const void *key), const void *key);
/* Calls see() for each element; it may remove the element that it is given, nothing else. */
void table_each(struct table *, void (*see)(struct table_node *, void *arg), void *arg);
/* A cursor for sweeping a slice: visits all elements of up to `slots` buckets from *cursor on,
 * and advances it (wraps to 0). */
void table_slice(struct table *, uint32_t *cursor, uint32_t slots,
	void (*see)(struct table_node *, void *arg), void *arg);

/* A keyed hash (SipHash or better; key from getrandom at start: peers choose what goes in). Same
 * in the whole process. */
uint32_t hash_bytes(const void *, size_t);
/* The same function with a key that never changes (home of a JID must not depend on the
 * process). */
uint32_t hash_stable(const void *, size_t);

#endif
