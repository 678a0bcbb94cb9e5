/* SPDX-License-Identifier: MIT */
/*
 * hook: events, phases, verdicts, and the context that a hook runs in.
 */
#ifndef STONECHAT_HOOK_H
#define STONECHAT_HOOK_H

#pragma GCC visibility push(default)

#include <stonechat/stanza.h>

/* one run of a hook chain, IQ handler or command; lent to the function that it is passed to */
struct sc_ctx;
struct sc_session;
struct sc_entity;
struct sc_host;
struct sc_rows;
struct sc_disco;

enum sc_verdict {
	SC_PASS,        /* go on with the next hook */
	SC_TAKEN,       /* dealt with; nobody else sees it */
	SC_DROPPED,     /* silently ended, and counted */
	SC_REFUSED,     /* ended with an error to the sender; made by sc_refuse() */
	/* a continuation will give the verdict; made by sc_hold() and sc_db_hold() */
	SC_HELD,
};

/* The named phases of the filter events, in this order (design §5). Delivery by the core lies
 * between COPY and FALLBACK. */
enum sc_phase {
	SC_PHASE_CHECK,         /* shape, limits */
	SC_PHASE_POLICY,        /* blocking, privacy */
	SC_PHASE_MARK,          /* strip forged ids, add stanza-id */
	SC_PHASE_STORE,         /* archive */
	SC_PHASE_COPY,          /* carbons, push */
	SC_PHASE_DELIVERY,      /* instead of the core's delivery: subscription stanzas, services */
	SC_PHASE_FALLBACK,      /* to_user only: nobody could be given it: spool */
	SC_PHASES
};

/* The only places where a module may wait. The continuation gets the same ctx, on the same shard,
 * also when the sender's stream has ended meanwhile; only for an IQ get that nobody waits for any
 * more it is not called (so what it needs is in sc_arena(), and freed with the ctx). */
typedef enum sc_verdict (*sc_rows_cont)(struct sc_ctx *, const struct sc_rows *);
typedef enum sc_verdict (*sc_cont)(struct sc_ctx *, void *result);

/* Waits for something other than the database. The token ends with exactly one sc_resume(), from
 * this shard, or by itself after deadline_ms with result NULL. The stream's lane (from_client, IQ)
 * or the pair's lane (to_user) stands still meanwhile. */
struct sc_wait;
enum sc_verdict sc_hold(struct sc_ctx *, sc_cont, unsigned deadline_ms,
	struct sc_wait **token) SC_MUST_CHECK;
void sc_resume(struct sc_wait **taken, void *result);
/* For a FALLBACK hook that has waited for somebody to come: what the hook returns to let the core
 * try its delivery again (which may end in FALLBACK again). */
enum sc_verdict sc_try_again(struct sc_ctx *) SC_MUST_CHECK;

/* --- what a hook may ask of its context; everything is lent --- */
/* lives as long as the ctx, over holds */
struct sc_arena *sc_arena(struct sc_ctx *);
struct sc_host *sc_host(const struct sc_ctx *);                 /* the virtual host it happens at */
/* whose event it is: sender's account in from_client, recipient's in to_user, the IQ's account;
 * NULL at the server itself */
struct sc_entity *sc_entity(const struct sc_ctx *);
/* the session it came from or goes to; NULL: none, or gone by now */
struct sc_session *sc_session(const struct sc_ctx *);
const struct sc_stanza *sc_stanza(const struct sc_ctx *);       /* NULL in events without one */
/* the same for changing; asserts that it is not sealed */
struct sc_stanza *sc_stanza_mut(struct sc_ctx *);
/* its stream ended while we waited */
bool sc_sender_gone(const struct sc_ctx *);
/* For a FALLBACK hook: since when (wall µs) the message waited in the queue of a session that has
 * ended without reading it; what came later may be stored already, and belongs behind it. 0: it has
 * just come. */
int64_t sc_unread_since(const struct sc_ctx *);
/* A pointer that the hook keeps for its continuation. */
void sc_keep(struct sc_ctx *, void *);
void *sc_kept(const struct sc_ctx *);

/* Ends with an error to the sender. text is for people, may be NULL. Returns SC_REFUSED
 * (SC_DROPPED when the stanza must not be answered: errors, results). */
enum sc_verdict sc_refuse(struct sc_ctx *, enum sc_cond, const char *text) SC_MUST_CHECK;
/* The same with an application-specific condition (RFC 6120 §8.3.4) inside <error/>. */
enum sc_verdict sc_refuse_with(struct sc_ctx *, enum sc_cond, const char *text, const char *app_ns,
	const char *app_name) SC_MUST_CHECK;

/* --- registering --- */
#include <stonechat/events.h>

struct sc_hook {
	enum sc_event event;
	enum sc_phase phase;            /* of filter events; others: SC_PHASE_CHECK */
	const char *name;               /* of the function; shown by `stonechatctl hooks` */
	union sc_handler fn;
	/* "module" that must come first within the phase; NULL: by name */
	const char *after;
};

/* A handler of the wrong type is a compile error: each event has its own member in the union. */
#define SC_ON(ev, ph, function) \
	{ .event = SC_EV_##ev, .phase = SC_PHASE_##ph, .name = #function, .fn.ev = (function) }
#define SC_ON_AFTER(ev, ph, function, module) \
	{ .event = SC_EV_##ev, .phase = SC_PHASE_##ph, .name = #function, .fn.ev = (function), \
		.after = (module) }
#define SC_SEE(ev, function) \
	{ .event = SC_EV_##ev, .phase = SC_PHASE_CHECK, .name = #function, .fn.ev = (function) }
#define SC_END { .name = NULL }

#pragma GCC visibility pop

#endif
