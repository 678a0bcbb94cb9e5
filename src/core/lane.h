/* SPDX-License-Identifier: MIT */
/*
 * lane: keeps stanzas of one (sender, recipient) pair of bare JIDs in order while the first of them
 * waits for something. A lane exists only while it is not empty. Deciding *what* may wait is the
 * hook's business; this file only keeps the queue.
 */
#ifndef CORE_LANE_H
#define CORE_LANE_H

#include "core/entity.h"
#include "core/route.h"

struct lane {
	struct table_node node;         /* shard.lanes */
	struct link parcels;            /* that wait behind the one in work */
	uint32_t n;
	struct sc_entity *to;           /* counted */
	bool busy;                      /* one of the pair is in work */
	/* route.c is taking the next ones: do not start another round */
	bool pumping;
	size_t from_len;
	char from[];                    /* the sender's bare JID */
};

/* NULL: nothing of the pair waits. */
struct lane *lane_find(struct sc_entity *to, const struct sc_jid *from);
/* there must be none */
struct lane *lane_open(struct sc_entity *to, const struct sc_jid *from);
void lane_append(struct lane *, struct parcel *);
struct parcel *lane_take(struct lane *);        /* the next; NULL: it is empty, close it */
void lane_close(struct lane *);

#endif
