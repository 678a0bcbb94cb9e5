/* SPDX-License-Identifier: MIT */
/* ctx: making and freeing contexts, and what a hook may ask of its own. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "plugin/conf.h"
#include "plugin/hook.h"
#include "xmpp/stanza.h"

#define CTX_KEEP 64     /* free ones that a shard keeps */

const struct ctx_core *ctx_core;
_Thread_local const struct sc_ctx *ctx_called;

static _Thread_local struct sc_ctx *spare;
static _Thread_local int n_spare;

struct sc_ctx *
ctx_new(struct sc_host *host, struct sc_entity *entity, struct sc_session *session)
{
	struct sc_ctx *ctx = spare;

	if (ctx != NULL) {
		spare = (struct sc_ctx *)(void *)ctx->link.next;
		n_spare--;
		memset(ctx, 0, sizeof *ctx);
	} else {
		ctx = calloc(1, sizeof *ctx);
		sc_assert(ctx != NULL);
	}
	link_init(&ctx->link);
	ctx->host = host;
	ctx->entity = entity;
	ctx->session = session;
	if (entity != NULL)
		ctx_core->entity_ref(entity);
	if (session != NULL)
		ctx_core->session_ref(session);
	return ctx;
}

void
ctx_free(struct sc_ctx *ctx)
{
	if (ctx->arena != NULL)
		arena_free(ctx->arena);
	if (ctx->session != NULL)
		ctx_core->session_unref(ctx->session);
	if (ctx->entity != NULL)
		ctx_core->entity_unref(ctx->entity);
	if (ctx->custody != NULL)
		ctx_core->custody_release(ctx->custody);
	if (n_spare < CTX_KEEP) {
		ctx->link.next = (struct link *)(void *)spare;
		spare = ctx;
		n_spare++;
	} else {
		free(ctx);
	}
}

void
ctx_thread_done(void)
{
	while (spare != NULL) {
		struct sc_ctx *next = (struct sc_ctx *)(void *)spare->link.next;

		free(spare);
		spare = next;
	}
	n_spare = 0;
}

struct sc_arena *
sc_arena(struct sc_ctx *ctx)
{
	if (ctx->arena == NULL)
		ctx->arena = arena_new();
	return ctx->arena;
}

struct sc_host *
sc_host(const struct sc_ctx *ctx)
{
	return ctx->host;
}

struct sc_entity *
sc_entity(const struct sc_ctx *ctx)
{
	return ctx->entity;
}

struct sc_session *
sc_session(const struct sc_ctx *ctx)
{
	return ctx->session != NULL && !ctx_core->session_gone(ctx->session) ? ctx->session : NULL;
}

bool
sc_sender_gone(const struct sc_ctx *ctx)
{
	return ctx->session != NULL && ctx_core->session_gone(ctx->session);
}

int64_t
sc_unread_since(const struct sc_ctx *ctx)
{
	return ctx->since;
}

const struct sc_stanza *
sc_stanza(const struct sc_ctx *ctx)
{
	return ctx->stanza;
}

struct sc_stanza *
sc_stanza_mut(struct sc_ctx *ctx)
{
	sc_assert(ctx->stanza == NULL || !ctx->stanza->sealed);
	return ctx->stanza;
}

void
sc_keep(struct sc_ctx *ctx, void *p)
{
	ctx->kept = p;
}

void *
sc_kept(const struct sc_ctx *ctx)
{
	return ctx->kept;
}

const void *
sc_conf(const struct sc_ctx *ctx)
{
	sc_assert(ctx->module != NULL && ctx->module->conf_section >= 0);
	return conf_get(conf_now(), ctx->module->conf_section,
		ctx->host != NULL ? ctx->host->conf_index : -1);
}

const void *
sc_conf_of(const struct sc_module *module, const struct sc_host *host)
{
	const struct module *m = module_of(module);

	sc_assert(m != NULL && m->conf_section >= 0);
	return conf_get(conf_now(), m->conf_section, host != NULL ? host->conf_index : -1);
}

static enum sc_verdict
refuse(struct sc_ctx *ctx, struct sc_stanza *error)
{
	if (error == NULL)
		return SC_DROPPED;      /* an error or a result: never answered (RFC 6120 §8.3.1) */
	ctx_core->reply(ctx, &error);
	return SC_REFUSED;
}

enum sc_verdict
sc_refuse(struct sc_ctx *ctx, enum sc_cond cond, const char *text)
{
	/* Events of accounts have no stanza: the verdict is all that can be said. */
	return ctx->stanza == NULL ? SC_REFUSED : refuse(ctx, sc_error_to(ctx->stanza, cond, text));
}

enum sc_verdict
sc_refuse_with(struct sc_ctx *ctx, enum sc_cond cond, const char *text, const char *app_ns,
	const char *app_name)
{
	struct sc_stanza *error = ctx->stanza != NULL ? sc_error_to(ctx->stanza, cond, text) : NULL;

	if (ctx->stanza == NULL)
		return SC_REFUSED;
	if (error != NULL) {
		const struct sc_elem *e = sc_find(error, SC_NS_CONTENT, "error");

		sc_add(error, (struct sc_elem *)(uintptr_t)e, app_ns, app_name);
	}
	return refuse(ctx, error);
}

struct sc_stanza *
sc_result(struct sc_ctx *ctx)
{
	return sc_result_to(ctx->stanza);
}

enum sc_verdict
sc_answer(struct sc_ctx *ctx, struct sc_stanza **taken)
{
	ctx_core->reply(ctx, taken);
	return SC_TAKEN;
}
