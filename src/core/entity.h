/* SPDX-License-Identifier: MIT */
/*
 * entity: what has a bare JID here, in memory at its home shard. Loaded on first use, kept while
 * somebody refers to it, and for a minute after; that there is no such account is remembered as
 * long, in a bounded list.
 */
#ifndef CORE_ENTITY_H
#define CORE_ENTITY_H

#include <stonechat/entity.h>
#include <stonechat/log.h>
#include "base/list.h"
#include "base/table.h"
#include "net/loop.h"
#include "plugin/slot.h"

enum entity_state {
	ENTITY_LOADING,         /* the database was asked; parcels wait in `waiting` */
	ENTITY_READY,
	ENTITY_ABSENT,          /* no such account */
	ENTITY_FAILED,          /* the lookup failed; asked anew on the next use */
};

struct service;

struct sc_entity {
	struct table_node node;         /* shard.entities */
	struct link idle;               /* shard.idle while refs == 0 */
	struct sc_host *host;
	struct service *service;        /* whose entity it is; NULL: an account */
	int64_t id, last_seen;          /* users.id; wall µs */
	int64_t moment;                 /* the last of sc_entity_moment() */
	/* clock_mono() of the lookup, and of the end of the last reference */
	int64_t known_at, idle_since;
	struct link sessions;           /* struct sc_session, in order of binding */
	struct link waiting;            /* struct entity_wait, while LOADING */
	struct slots slots;
	uint32_t refs;                  /* ctxs, sessions, pins */
	uint32_t n_waiting;
	uint16_t n_sessions;
	uint16_t draining;              /* nested sc_session_draining() */
	uint32_t lanes;                 /* that exist for messages to it */
	/* IQ gets to it that are being read while their pair goes on */
	uint16_t detached;
	uint8_t state;
	bool disabled;
	bool has_sleepers;              /* sessions in the database that sleep */
	/* LOADING: what was read is old already, so it is read again */
	bool stale;
	int16_t home;                   /* the shard that made it */
	struct sc_jid jid;
	char text[];
};

/* Debug builds: whoever touches an entity, or a session of it, is on its home (design §4). */
static inline void
entity_at_home(const struct sc_entity *e)
{
#ifdef ENABLE_DEBUG
	sc_assert(e->home == loop_id());
#else
	(void)e;
#endif
}

/* Which shard a bare JID lives on. Any thread. home.c alone knows. */
int home_of(const struct sc_jid *);

/* Found in memory or made in state LOADING (the lookup is sent). Own shard only. */
struct sc_entity *entity_get(struct sc_host *, const struct sc_jid *);
/* An account without a row, for SASL ANONYMOUS: gone with its last session. Its id is negative. */
struct sc_entity *entity_get_anonymous(struct sc_host *, const struct sc_jid *);
/* An entity of a service; its module loads it. NULL: at this address is an account (the domain was
 * a host's when it was loaded). */
struct sc_entity *entity_get_service(struct service *, const struct sc_jid *);
struct sc_entity *entity_peek(const struct sc_jid *);           /* NULL: not in memory */
void entity_ref(struct sc_entity *);
void entity_unref(struct sc_entity *);

/* Somebody who waits for the end of LOADING; called once. */
struct entity_wait {
	struct link link;
	void (*loaded)(struct entity_wait *, struct sc_entity *);
};
/* Calls at once when it is not loading (or asks the database again when the last lookup failed). */
void entity_when_loaded(struct sc_entity *, struct entity_wait *);

/* The account was made, changed or deleted: what is remembered about its name is wrong. */
void entity_forget_absent(const struct sc_jid *);       /* also while it is being looked up */
void entity_sweep(void);                /* end of a turn, cheap: unloads what was idle for long */
void entity_unload_all(void);

#endif
