/* SPDX-License-Identifier: MIT */
/*
 * map: from a text to a pointer, and all of them in the order in which they came. For what a module
 * keeps in a slot: who is in a room, by nick; what an account has, by node. Keys are copied and may
 * be chosen by peers (the hash has a secret). One thread at a time.
 */
#ifndef STONECHAT_MAP_H
#define STONECHAT_MAP_H

#pragma GCC visibility push(default)

#include <stonechat/text.h>

struct sc_map;

struct sc_map *sc_map_new(void);                                /* yours */
/* the values are the caller's; NULL inside is fine */
void sc_map_free(struct sc_map **taken);
/* Puts the value under the key, at the end of the order unless the key is there already; returns
 * what it replaced. NULL takes it out. */
void *sc_map_set(struct sc_map *, struct sc_span key, void *value);
void *sc_map_get(const struct sc_map *, struct sc_span key);    /* NULL: not there */
size_t sc_map_count(const struct sc_map *);
/* Walks in the order of coming, from a fresh sc_map_walk(). NULL: that was the last. Between two
 * calls anything may be put in or taken out, the present one too: the walk goes on behind it. */
struct sc_map_walk {
	const struct sc_map *map;
	/* the ordinal of the present one: they grow, and none is given out twice */
	uint64_t after;
	uint64_t removals;
	void *place;
};
static inline struct sc_map_walk sc_map_walk(const struct sc_map *m) { return (struct sc_map_walk){
	.map = m }; }
/* key may be NULL; lent while the entry is in the map */
void *sc_map_next(struct sc_map_walk *, struct sc_span *key);

#pragma GCC visibility pop

#endif
