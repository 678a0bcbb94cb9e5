/* SPDX-License-Identifier: MIT */
/*
 * fan: the two halves of a fan. `struct sc_fan` (fan.c) lives with the entity; of each shard with
 * recipients it knows a `struct fan_side` (fan_side.c), which lives there and is only named in
 * letters. Letters of a pair of shards keep their order, so the two halves agree.
 */
#ifndef CORE_FAN_H
#define CORE_FAN_H

#include <stonechat/fan.h>
#include "net/mailbox.h"

struct fan_side;

enum fan_order { FAN_ADD, FAN_CLASSIFY, FAN_REMOVE, FAN_COPY, FAN_COPY_ONE, FAN_END };

/* To a side. For recipients on the fan's own shard it is not posted but applied. */
struct fan_letter {
	struct letter letter;
	struct fan_letter *next;        /* in the side's queue */
	struct fan_side *side;
	enum fan_order order;
	uint32_t number, group;         /* COPY: the group left out */
	unsigned classes;
	int64_t mark;
	struct sc_stanza *stanza;       /* one reference */
	struct sc_jid jid;              /* ADD: of the recipient; text follows the struct */
};

/* Back to the fan. */
struct fan_reply {
	struct letter letter;
	uint64_t serial;
	bool lost;                      /* or else marked */
	int64_t mark;
	struct sc_jid to;               /* text follows the struct */
};

/* Made by the fan's shard, then only used on its own. */
struct fan_side *fan_side_new(const struct sc_jid *from, int fan_shard, uint64_t serial);
void fan_side_apply(struct fan_letter *taken);          /* on the side's shard */
void fan_reply_open(struct letter *);                   /* on the fan's shard */
void fan_sides_stop(void);                              /* the shard ends: all sides of it go */
void fans_stop(void);                                   /* and its fans, whose entities are gone */

/* While recipients of one shard are more than this, they are served over several turns. Tests set
 * it. */
extern _Thread_local int fan_slice;

#endif
