/* SPDX-License-Identifier: MIT */
/*
 * ready: streams of this shard that have more to read, in a later turn: a stream has its share of
 * each, and nobody reads while this shard has posted more than others have taken (design §4).
 */
#ifndef STREAM_READY_H
#define STREAM_READY_H

#include <stdbool.h>

#include "base/list.h"

struct ready {
	struct link list;
	bool waits;                     /* for the others to take what they were sent */
};

void ready_init(struct ready *);
/* The item is read in the next turn that it can be; nothing when it is there already. */
void ready_add(struct ready *, struct link *item);
void ready_wait(struct ready *);                /* looks again when this shard may read */
/* At the start of a turn: calls read for each, taken out. read may add it again. */
void ready_run(struct ready *, void (*read)(struct link *item));

#endif
