/* SPDX-License-Identifier: MIT */
/*
 * route: a stanza on its way. from_client and to_user hooks run from here, in order (design §5);
 * delivery rules are in deliver.c.
 */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include <stonechat/send.h>
#include "base/list.h"
#include "core/entity.h"
#include "net/mailbox.h"
#include "plugin/hook.h"

/* What travels: between shards in a mailbox, on one shard in lists. */
struct parcel {
	struct letter letter;
	struct link link;
	struct entity_wait wait;
	/* owned; `from` and, but for a server's own IQ, `to` are set */
	struct sc_stanza *stanza;
	struct custody *custody;        /* one hold; NULL: none */
	/* not a stanza on its way, but something to be done in its turn (fan.c); owns the parcel */
	void (*special)(struct parcel *);
	bool no_load;                   /* not worth loading an account for (sc_broadcast) */
};

/* Beyond these the sender is told to wait. */
struct route_limits {
	uint32_t lane;                  /* stanzas of one sender that wait for one account: 1000 */
	/* stanzas of all senders that wait while an account is loaded: 4000 */
	uint32_t loading;
	/* IQ gets of one stream, or to one account, that are read at the same time: 16 */
	uint32_t detached;
};
extern _Thread_local struct route_limits route_limits;

/* Takes the stanza, and the hold on custody (may be NULL). It starts when the current piece of work
 * is done, in order. */
void route(struct sc_stanza **taken, struct custody *hold);
/* works off what is to be routed; called at the end of every entry into the core */
void route_run(void);
/* error to the sender, when it may have one */
void route_failed(const struct sc_stanza *lent, struct custody *, enum sc_cond, const char *text);

/* The host for whose sake we answer for a domain: a host itself, or one of its services. NULL: the
 * domain is not ours. */
struct sc_host *route_serves(struct sc_span domain);

/* A stanza of a session passes from_client, then goes where it is addressed. Ends in
 * session_next(). */
void route_from_session(struct sc_session *, struct sc_stanza **taken, struct custody *hold);
/* The same for an IQ answer, which waits for nothing: the session's lane knows nothing of it. */
void route_past_lane(struct sc_session *, struct sc_stanza **taken, struct custody *hold);

/* Something of the same sender waits for the entity: a copy of the sealed stanza waits behind it.
 * False: it does not. */
bool route_behind_lane(struct sc_entity *, const struct sc_stanza *sealed, const struct sc_jid *to);

/* --- deliver.c: RFC 6121 §8 --- */
/* The ctx has passed the to_user hooks up to DELIVERY. Owns ctx. */
void deliver(struct sc_ctx *);
/* The same for an entity of a service, or its domain (no entity): the ctx has passed the to_service
 * hooks. */
void deliver_to_service(struct sc_ctx *);
/* The core's IQ table for an account, the server or a service. Owns ctx; ends in ctx->finished with
 * TAKEN, REFUSED or DROPPED. */
void deliver_iq(struct sc_ctx *, unsigned at);
/* A sealed message that was given to a session which ended: once more by the table. Takes the hold
 * (may be NULL). since: wall µs when it came first. */
void deliver_again(struct sc_entity *, const struct sc_stanza *sealed, struct custody *hold,
	int64_t since);
void deliver_no_account(struct parcel *taken);

#endif
