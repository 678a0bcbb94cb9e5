/* SPDX-License-Identifier: MIT */
/*
 * hook: the chains of hooks per event, and the context (struct sc_ctx) in which a hook, an IQ
 * handler or a continuation runs. A ctx outlives waits; it keeps its session and entity alive (by
 * the two counting functions of core), not its stream.
 */
#ifndef PLUGIN_HOOK_H
#define PLUGIN_HOOK_H

#include <stdio.h>
#include <stonechat/hook.h>
#include <stonechat/log.h>
#include "base/list.h"
#include "plugin/host.h"
#include "plugin/module.h"

struct custody;
struct service;

struct sc_ctx {
	struct sc_arena *arena;                 /* made on first use */
	const struct module *module;            /* the one that is being called */
	struct sc_host *host;
	const struct service *service;          /* whose stanza or question it is; NULL: none */
	struct sc_entity *entity;               /* counted */
	struct sc_session *session;             /* counted; may have ended */
	/* what sc_stanza() shows; owned by `ev` or by the caller */
	struct sc_stanza *stanza;
	struct custody *custody;                /* of the stanza; NULL: none */
	void *payload;                          /* of the event */
	/* payload of the stanza events, so that it outlives a wait */
	struct sc_ev_stanza ev;
	uint16_t event, pos, end;               /* where in the chain */
	/* one function, not a chain: an IQ handler, the loading of a service's entity */
	bool iq;
	bool waiting;
	/* an IQ get that only reads: its stream may go on */
	bool detaches;
	bool detached;                          /* and has gone on */
	/* an IQ answer that nothing in its lane waits for */
	bool passes;
	bool try_again;                         /* sc_try_again() was called */
	int64_t since;                          /* sc_unread_since() */
	bool later, later_kept, watched;        /* sc_later() and sc_watch() were called */
	uint64_t later_key;
	/* asked when it may; false: too many have already */
	bool (*let_go)(struct sc_ctx *);
	void *kept;
	/* The end of the chain or handler: the core goes on. Owns ctx (ctx_free). */
	void (*finished)(struct sc_ctx *, enum sc_verdict);
	/* Where a stage that put its own function into `finished` goes on afterwards. */
	void (*after_fallback)(struct sc_ctx *, enum sc_verdict);
	void (*after_iq)(struct sc_ctx *, enum sc_verdict);
	/* told at each wait of the chain; NULL: nobody asks */
	void (*held)(struct sc_ctx *);
	void *arg;                              /* the core's own, for finished() and held() */
	struct link link;                       /* in a lane, or the free list */
};

/* Whose hook, handler or continuation this thread is in, for the report of a crash; NULL: none. */
extern _Thread_local const struct sc_ctx *ctx_called;

/* Around each call into a module. Returns what to give to ctx_leave(). */
static inline const struct sc_ctx *
ctx_enter(const struct sc_ctx *ctx)
{
	const struct sc_ctx *outer = ctx_called;

	ctx_called = ctx;
	return outer;
}

static inline void
ctx_leave(const struct sc_ctx *outer)
{
	ctx_called = outer;
}

struct sc_ctx *ctx_new(struct sc_host *, struct sc_entity *, struct sc_session *);
void ctx_free(struct sc_ctx *);         /* gives back its references and its share of custody */
void ctx_thread_done(void);

/* Runs a filter event from ctx->pos; ends in ctx->finished(), perhaps later. */
void hook_run(struct sc_ctx *, enum sc_event, enum sc_phase first, enum sc_phase last);
/* Goes on after a wait with the continuation's verdict. */
void hook_go_on(struct sc_ctx *, enum sc_verdict);
/* A filter event that must not hold, in one go. */
enum sc_verdict hook_run_now(struct sc_ctx *, enum sc_event, void *payload);
/* Observe and gather events; what they need of a ctx is given. */
void hook_fire(enum sc_event, struct sc_host *, struct sc_entity *, struct sc_session *,
	void *payload);
/* The same about a service. */
void hook_fire_at(enum sc_event, struct sc_host *, const struct service *, struct sc_entity *,
	void *payload);
bool hook_any(enum sc_event);

bool hook_build(char *error, size_t error_size) SC_MUST_CHECK;  /* sorts all hooks of all modules */
void hook_teardown(void);
/* For `stonechatctl hooks EVENT`. */
void hook_each(enum sc_event, void (*see)(void *arg, const char *phase, const char *module,
	const char *name), void *arg);
const char *hook_event_name(enum sc_event);
int hook_event_find(const char *name);          /* -1: no such event */
const char *hook_phase_name(enum sc_phase);
void hook_write_manual(FILE *);                 /* doc/hooks.md */

/* What core lends to this layer, which does not know what they are. */
struct ctx_core {
	void (*entity_ref)(struct sc_entity *);
	void (*entity_unref)(struct sc_entity *);
	void (*session_ref)(struct sc_session *);
	void (*session_unref)(struct sc_session *);
	bool (*session_gone)(const struct sc_session *);
	/* Sends an error or answer to where the ctx's stanza came from. */
	void (*reply)(struct sc_ctx *, struct sc_stanza **taken);
	void (*custody_hold)(struct custody *);
	void (*custody_release)(struct custody *);
	struct store *(*store)(void);           /* this shard's */
};
extern const struct ctx_core *ctx_core;

#endif
