/* SPDX-License-Identifier: MIT */
/* shard: what one thread owns: its entities, its database connections, what waits for the end of
 * the turn. */
#ifndef CORE_SHARD_H
#define CORE_SHARD_H

#include <stdatomic.h>
#include "base/list.h"
#include "base/table.h"
#include "store/store.h"

struct shard {
	struct store *store;
	struct table entities;          /* struct sc_entity by bare JID */
	/* entities that nobody refers to, the longest unused first */
	struct link idle;
	uint32_t n_idle;
	/* sessions with something in their queue to write this turn */
	struct link dirty;
	/* sessions that have ended; their contacts hear of it in route_run() */
	struct link leaving;
	struct link routing;            /* parcels that wait for their turn in route_run() */
	struct table lanes;             /* struct lane by (sender, recipient) */
	struct table fans;              /* struct sc_fan by serial */
	struct link fan_sides;          /* struct fan_side with recipients here */
	struct link sessions;           /* every session of this shard, for drains and lists */
	int64_t moment;                 /* of sc_moment() */
	bool routing_now;
	bool stopping;                  /* SIGTERM was seen: no new logins */
};

extern _Thread_local struct shard shard;

struct conf;
/* Before the threads: lends the core's functions to the plugin layer. */
void shard_setup(void);
/* What a shard starts with; store_conf.uri is lent for the process's life. */
void shard_start(const struct store_conf *);
void shard_stop(void);                          /* after its sessions have ended */

#endif
