/* SPDX-License-Identifier: MIT */
/* hold: the waits of hooks and IQ handlers, for the database and for anything else (design §5). */
#include "config.h"

#include <stdlib.h>
#include "base/stats.h"
#include "net/timer.h"
#include "plugin/hook.h"
#include "store/store.h"
#include "xmpp/stanza.h"

struct sc_wait {
	struct timeout timeout;
	struct sc_ctx *ctx;
	const struct module *module;
	sc_cont cont;
};

/* A write behind a stanza that goes on: a ctx of its own carries what an error answer needs. */
struct behind {
	struct sc_ctx *ctx;
	sc_rows_cont cont;
};

/* What changes something is carried through though the stream has gone; a question is not (§5). */
static bool
nobody_asks(const struct sc_ctx *ctx)
{
	return ctx->iq && ctx->stanza != NULL && sc_type(ctx->stanza) == SC_TYPE_GET &&
		sc_sender_gone(ctx);
}

static void
wait_end(struct sc_wait *w, void *result)
{
	struct sc_ctx *ctx = w->ctx;
	const struct sc_ctx *outer = ctx_enter(ctx);
	enum sc_verdict verdict = SC_DROPPED;
	sc_cont cont = w->cont;

	timeout_clear(&w->timeout);
	ctx->module = w->module;
	ctx->waiting = false;
	free(w);
	STAT_DEC(held_now);
	if (!nobody_asks(ctx))
		verdict = cont(ctx, result);
	ctx_leave(outer);
	hook_go_on(ctx, verdict);
}

static void
wait_too_long(struct timeout *t)
{
	wait_end(container_of(t, struct sc_wait, timeout), NULL);
}

enum sc_verdict
sc_hold(struct sc_ctx *ctx, sc_cont cont, unsigned deadline_ms, struct sc_wait **token)
{
	struct sc_wait *w = calloc(1, sizeof *w);

	sc_assert(w != NULL && !ctx->waiting);
	timeout_init(&w->timeout, wait_too_long);
	timeout_set(&w->timeout, deadline_ms);
	w->ctx = ctx;
	w->module = ctx->module;
	w->cont = cont;
	ctx->waiting = true;
	*token = w;
	STAT_INC(held_now);
	return SC_HELD;
}

void
sc_resume(struct sc_wait **taken, void *result)
{
	struct sc_wait *w = *taken;

	*taken = NULL;
	wait_end(w, result);
}

/* --- the database --- */

struct db_wait {
	struct sc_ctx *ctx;
	const struct module *module;
	sc_rows_cont cont;
};

static void
db_arrived(void *arg, const struct sc_rows *rows)
{
	struct db_wait w = *(struct db_wait *)arg;
	const struct sc_ctx *outer = ctx_enter(w.ctx);
	enum sc_verdict verdict = SC_DROPPED;

	free(arg);
	w.ctx->module = w.module;
	w.ctx->waiting = false;
	STAT_DEC(held_now);
	if (!nobody_asks(w.ctx))
		verdict = w.cont(w.ctx, rows);
	ctx_leave(outer);
	hook_go_on(w.ctx, verdict);
}

enum sc_verdict
sc_db_hold(struct sc_ctx *ctx, const struct sc_stmt *stmt, struct sc_args args, sc_rows_cont cont)
{
	struct db_wait *w = malloc(sizeof *w);

	sc_assert(w != NULL && !ctx->waiting);
	*w = (struct db_wait){ ctx, ctx->module, cont };
	ctx->waiting = true;
	STAT_INC(held_now);
	store_run(ctx_core->store(), stmt, args, db_arrived, w);
	return SC_HELD;
}

enum sc_verdict
sc_db_detach(struct sc_ctx *ctx, const struct sc_stmt *stmt, struct sc_args args, sc_rows_cont cont)
{
	sc_assert(ctx->iq);
	ctx->detaches = sc_type(ctx->stanza) == SC_TYPE_GET;
	return sc_db_hold(ctx, stmt, args, cont);
}

enum sc_verdict
sc_db_detach_query(struct sc_ctx *ctx, const struct sc_stmt *stmt, struct sc_args args,
	sc_rows_cont cont)
{
	sc_assert(ctx->iq);
	ctx->detaches = true;
	return sc_db_hold(ctx, stmt, args, cont);
}

static void
behind_arrived(void *arg, const struct sc_rows *rows)
{
	struct behind b = *(struct behind *)arg;
	const struct sc_ctx *outer = ctx_enter(b.ctx);

	free(arg);
	/* A refusal has been sent by sc_refuse(); nothing else can still change what happened to
	 * the stanza. */
	(void)b.cont(b.ctx, rows);
	ctx_leave(outer);
	sc_stanza_free(&b.ctx->stanza);
	ctx_free(b.ctx);
}

enum sc_verdict
sc_db_behind(struct sc_ctx *ctx, const struct sc_stmt *stmt, struct sc_args args, sc_rows_cont cont)
{
	struct behind *b = malloc(sizeof *b);
	const struct sc_stanza *s = ctx->stanza;

	sc_assert(b != NULL);
	b->cont = cont;
	b->ctx = ctx_new(ctx->host, ctx->entity, ctx->session);
	b->ctx->module = ctx->module;
	b->ctx->service = ctx->service;
	b->ctx->kept = ctx->kept;
	/* The stanza travels on and may be changed or gone by then; an error answer needs only its
	 * head. */
	if (s != NULL)
		b->ctx->stanza = s->sealed ? sc_ref(s) : sc_stanza_new(sc_kind(s), sc_type(s),
			sc_from(s), sc_to(s), sc_id(s));
	if (ctx->custody != NULL) {
		b->ctx->custody = ctx->custody;
		ctx_core->custody_hold(ctx->custody);
	}
	store_run(ctx_core->store(), stmt, args, behind_arrived, b);
	return SC_PASS;
}

void
sc_db_run(const struct sc_stmt *stmt, struct sc_args args,
	void (*done)(void *, const struct sc_rows *), void *arg)
{
	store_run(ctx_core->store(), stmt, args, done, arg);
}
