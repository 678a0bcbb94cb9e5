/* SPDX-License-Identifier: MIT */
/*
 * remote_in: stanzas that another server sent pass the from_remote hooks one at a time (RFC 6120
 * §10.1), then go where they are addressed. A held one holds its stream, nobody else.
 */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "base/stats.h"
#include "core/custody.h"
#include "core/remote.h"
#include "core/route.h"
#include "plugin/hook.h"

#define INBOX 64                /* stanzas behind a held one before the stream is paused */

struct remote_in {
	void *stream;                   /* NULL: it ended */
	void (*pause)(void *);
	void (*resume)(void *);
	struct link inbox;              /* struct parcel */
	uint32_t n;
	uint32_t refs;                  /* the stream, and the stanza in work */
	bool busy, taking, paused;
};

struct remote_in *
remote_in_new(void *stream, void (*pause)(void *), void (*resume)(void *))
{
	struct remote_in *in = calloc(1, sizeof *in);

	sc_assert(in != NULL);
	in->stream = stream;
	in->pause = pause;
	in->resume = resume;
	in->refs = 1;
	link_init(&in->inbox);
	return in;
}

static void
unref(struct remote_in *in)
{
	if (--in->refs == 0)
		free(in);
}

void
remote_in_gone(struct remote_in **taken)
{
	struct remote_in *in = *taken;

	*taken = NULL;
	if (in == NULL)
		return;
	in->stream = NULL;
	unref(in);
}

void
remote_in_stream(struct remote_in *in, void *stream)
{
	in->stream = stream;
	in->paused = false;
}

static void next(struct remote_in *);

static void
finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct remote_in *in = ctx->arg;

	if (verdict == SC_PASS && ctx->ev.stanza != NULL) {
		route(&ctx->ev.stanza, ctx->custody);
		ctx->custody = NULL;
	} else if (verdict == SC_DROPPED) {
		STAT_INC(stanzas_dropped);
	} else if (verdict == SC_REFUSED) {
		STAT_INC(stanzas_refused);
	}
	sc_stanza_free(&ctx->ev.stanza);
	ctx_free(ctx);
	next(in);
	route_run();
}

static void
start(struct remote_in *in, struct sc_host *host, struct sc_stanza **taken, struct custody *hold)
{
	struct sc_ctx *ctx = ctx_new(host, NULL, NULL);

	in->busy = true;
	in->refs++;
	ctx->ev.stanza = ctx->stanza = *taken;
	*taken = NULL;
	ctx->payload = &ctx->ev;
	ctx->custody = hold;
	ctx->arg = in;
	ctx->finished = finished;
	hook_run(ctx, SC_EV_from_remote, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

/* The one in work is done: the next. A loop, not a recursion. */
static void
next(struct remote_in *in)
{
	in->busy = false;
	if (!in->taking) {
		in->taking = true;
		while (!in->busy && !link_alone(&in->inbox)) {
			struct parcel *p = container_of(in->inbox.next, struct parcel, link);
			struct sc_host *host = route_serves(sc_jid_domain(sc_to(p->stanza)));

			link_remove(&p->link);
			in->n--;
			if (host != NULL)
				start(in, host, &p->stanza, p->custody);
			else
				/* taken out of the configuration meanwhile */
				custody_release(p->custody);
			sc_stanza_free(&p->stanza);
			free(p);
		}
		in->taking = false;
		if (!in->busy && in->paused && in->stream != NULL) {
			in->paused = false;
			in->resume(in->stream);
		}
	}
	unref(in);
}

void
remote_in_stanza(struct remote_in *in, struct sc_host *host, struct sc_stanza **taken,
	struct custody *hold)
{
	struct parcel *p;

	if (!in->busy && !in->taking) {
		start(in, host, taken, hold);
		route_run();
		return;
	}
	p = calloc(1, sizeof *p);
	sc_assert(p != NULL);
	link_init(&p->link);
	p->stanza = *taken;
	p->custody = hold;
	*taken = NULL;
	link_append(&in->inbox, &p->link);
	if (++in->n >= INBOX && !in->paused && in->stream != NULL) {
		in->paused = true;
		in->pause(in->stream);
	}
}
