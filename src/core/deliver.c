/* SPDX-License-Identifier: MIT */
/*
 * deliver: who of an account gets a stanza. The rules of RFC 6121 §8.5 stand in one table each for
 * messages, presence and IQs.
 */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/stats.h"
#include "core/copy.h"
#include "core/custody.h"
#include "core/owed.h"
#include "core/route.h"
#include "core/session.h"
#include "plugin/iq.h"
#include "xmpp/stanza.h"

enum fate {
	IGNORE,                 /* S in the RFC's table */
	BOUNCE,                 /* E: service-unavailable */
	STORE,                  /* O: the FALLBACK hooks, or else bounced */
	MATCH,                  /* D: the resource that `to` names */
	ALL,                    /* A: every session with a priority of 0 or more */
	AVAILABLE,              /* every available session (presence) */
	SERVER,                 /* answered by the server on behalf of the account (IQ) */
};

/* What `to` is and who is there. */
enum situation {
	BARE_NOBODY,            /* bare JID; nobody available, or only with negative priority */
	BARE_SOMEBODY,          /* bare JID; at least one with a priority of 0 or more */
	FULL_MATCH,             /* full JID of a bound session */
	FULL_NOBODY,            /* full JID that matches no session, otherwise like BARE_NOBODY */
	FULL_SOMEBODY,
	SITUATIONS
};

/* RFC 6121 §8.5.4. Where the RFC leaves a choice nothing is lost silently: store before error,
 * error before silence. */
static const uint8_t message_fate[][SITUATIONS] = {
	/*        BARE_NOBODY    BARE_SOMEBODY  FULL_MATCH  FULL_NOBODY  FULL_SOMEBODY */
	[SC_TYPE_NORMAL] =     { STORE,       ALL,           MATCH,      BOUNCE,      BOUNCE },
	[SC_TYPE_CHAT] =       { STORE,       ALL,           MATCH,      STORE,       ALL    },
	[SC_TYPE_GROUPCHAT] =  { BOUNCE,      BOUNCE,        MATCH,      BOUNCE,      BOUNCE },
	[SC_TYPE_HEADLINE] =   { IGNORE,      ALL,           MATCH,      IGNORE,      IGNORE },
};
static const uint8_t message_error_fate[SITUATIONS] = { IGNORE, IGNORE, MATCH, IGNORE, IGNORE };

/* §8.5.2.1.2, §8.5.3.1, §8.5.3.2.2: available and unavailable. Subscriptions and probes never get
 * here: their modules take them. */
static const uint8_t presence_fate[SITUATIONS] = { AVAILABLE, AVAILABLE, MATCH, IGNORE, IGNORE };

static const uint8_t iq_request_fate[SITUATIONS] = { SERVER, SERVER, MATCH, BOUNCE, BOUNCE };
static const uint8_t iq_answer_fate[SITUATIONS] = { IGNORE, IGNORE, MATCH, IGNORE, IGNORE };

static const uint8_t *
fates_of(const struct sc_stanza *s)
{
	enum sc_type type = sc_type(s);

	switch (sc_kind(s)) {
	case SC_MESSAGE:
		return type == SC_TYPE_ERROR ? message_error_fate : message_fate[type];
	case SC_PRESENCE:
		return presence_fate;
	default:
		return type == SC_TYPE_GET || type == SC_TYPE_SET ? iq_request_fate
			: iq_answer_fate;
	}
}

static bool
somebody_there(struct sc_entity *e)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(e, s)) != NULL;)
		if (s->presence != NULL && s->priority >= 0 && !s->ending)
			return true;
	return false;
}

static struct sc_session *
match_of(struct sc_entity *e, const struct sc_jid *to)
{
	struct sc_session *s = sc_jid_is_bare(to) ? NULL : sc_session_by_resource(e,
		sc_jid_resource(to));

	/* A stream that has ended receives nothing, though what it sent is still being worked
	 * off. */
	return s != NULL && !s->ending ? s : NULL;
}

static enum situation
situation_of(struct sc_entity *e, const struct sc_jid *to, const struct sc_session *match)
{
	if (sc_jid_is_bare(to))
		return somebody_there(e) ? BARE_SOMEBODY : BARE_NOBODY;
	if (match != NULL)
		return FULL_MATCH;
	return somebody_there(e) ? FULL_SOMEBODY : FULL_NOBODY;
}

static bool
takes(const struct sc_session *s, enum fate fate)
{
	return s->presence != NULL && !s->ending && (fate == AVAILABLE || s->priority >= 0);
}

/* The kinds that a store takes. */
static bool
is_kept(const struct sc_stanza *s)
{
	return sc_kind(s) == SC_MESSAGE && (sc_type(s) == SC_TYPE_NORMAL ||
		sc_type(s) == SC_TYPE_CHAT);
}

/* A message that has a store to go to must not pass what waits there: while a session drains the
 * spool, or reads so slowly that its queue is full, newer ones go to the spool's end (design §5
 * Order, §6 Slow readers). */
static bool
must_queue_up(struct sc_entity *e, const struct sc_stanza *s, enum fate fate,
	const struct sc_session *match)
{
	if (!is_kept(s))
		return false;
	if (fate == MATCH)
		return match->draining > 0 || session_is_full(match);
	if (fate != ALL)
		return false;
	if (e->draining > 0)
		return true;
	for (struct sc_session *x = NULL; (x = sc_session_next(e, x)) != NULL;)
		if (takes(x, fate) && session_is_full(x))
			return true;
	return false;
}

/* Only what can be made safe by a row holds its sender's `h`: an IQ or presence for a session that
 * sleeps would hold it until it wakes. */
static void
give(struct sc_session *s, const struct sc_stanza *sealed, struct custody *custody,
	struct sc_owed *owed)
{
	if (!is_kept(sealed))
		custody = NULL;
	custody_hold(custody);
	session_send(s, sealed, OUTQ_TO_STANZA, NULL, custody, owed, NULL, NULL);
}

/* Copies of one message: what one session leaves unread is not lost when another has it, and with
 * XEP-0198 a row can make it safe. NULL: a single copy to a client that does not acknowledge, or
 * not for keeping. */
static struct sc_owed *
owed_for(struct sc_entity *e, const struct sc_stanza *sealed, enum fate fate,
	const struct sc_session *match)
{
	/* Sessions that are given copies by message_given join it too. */
	bool counts = (match != NULL && match->sm != NULL) ||
		(e->n_sessions > 1 && hook_any(SC_EV_message_given));
	int copies = 0;

	if (!is_kept(sealed))
		return NULL;
	for (struct sc_session *s = NULL; match == NULL && !counts &&
	    (s = sc_session_next(e, s)) != NULL;)
		if (takes(s, fate))
			counts = s->sm != NULL || ++copies > 1;
	return counts ? owed_new(e, sealed) : NULL;
}

bool
sc_given_to(const struct sc_ev_given *ev, const struct sc_session *s)
{
	const struct given *g = container_of(ev, struct given, ev);

	switch (ev->how) {
	case SC_GIVEN_SESSIONS:
		return g->match != NULL ? s == g->match : takes(s, ALL);
	case SC_GIVEN_SPOOL:
		/* Whom the spool serves: the one that drains it, or else any that it may begin
		 * with. */
		return s->draining > 0 || (ev->account->draining == 0 && takes(s, ALL));
	case SC_GIVEN_NOBODY:
		break;
	}
	return false;
}

static void
tell_given(struct given *g)
{
	struct sc_entity *e = g->ev.account;

	if (sc_kind(g->ev.message) == SC_MESSAGE)
		hook_fire(SC_EV_message_given, e->host, e, NULL, &g->ev);
}

static void
give_all(struct sc_entity *e, const struct sc_stanza *sealed, enum fate fate,
	struct custody *custody, struct sc_session *match)
{
	struct sc_owed *owed = owed_for(e, sealed, fate, match);

	if (match != NULL)
		give(match, sealed, custody, owed);
	for (struct sc_session *s = NULL; match == NULL && (s = sc_session_next(e, s)) != NULL;)
		if (takes(s, fate))
			give(s, sealed, custody, owed);
	tell_given(&(struct given){ { e, sealed, SC_GIVEN_SESSIONS }, match, custody, owed });
	if (owed != NULL)
		owed_given(owed);
}

static void
bounce(struct sc_ctx *ctx)
{
	route_failed(ctx->ev.stanza, ctx->custody, SC_COND_SERVICE_UNAVAILABLE, NULL);
	ctx->finished(ctx, SC_TAKEN);
}

/* No module keeps messages: whoever can be given it gets it after all, or the sender hears of
 * it. */
static void
fallback_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	bool again = ctx->try_again;

	ctx->finished = ctx->after_fallback;
	ctx->try_again = false;
	if (verdict == SC_PASS && ctx->ev.stanza != NULL && again)
		deliver(ctx);
	else if (verdict == SC_PASS && ctx->ev.stanza != NULL)
		bounce(ctx);
	else {
		if (verdict != SC_REFUSED && ctx->ev.stanza != NULL)
			tell_given(&(struct given){ { ctx->entity, ctx->ev.stanza,
				verdict == SC_TAKEN ? SC_GIVEN_SPOOL : SC_GIVEN_NOBODY }, NULL,
				ctx->custody, NULL });
		ctx->finished(ctx, verdict);
	}
}

enum sc_verdict
sc_try_again(struct sc_ctx *ctx)
{
	ctx->try_again = true;
	return SC_PASS;
}

static void
store(struct sc_ctx *ctx)
{
	ctx->after_fallback = ctx->finished;
	ctx->finished = fallback_finished;
	hook_run(ctx, SC_EV_to_user, SC_PHASE_FALLBACK, SC_PHASE_FALLBACK);
}

void
deliver(struct sc_ctx *ctx)
{
	struct sc_entity *e = ctx->entity;
	struct sc_stanza *s = ctx->ev.stanza;
	struct sc_session *match = match_of(e, sc_to(s));
	enum fate fate = fates_of(s)[situation_of(e, sc_to(s), match)];

	if (must_queue_up(e, s, fate, match))
		fate = STORE;
	switch (fate) {
	case SERVER:
		deliver_iq(ctx, SC_AT_ACCOUNT);
		return;
	case STORE:
		store(ctx);
		return;
	case BOUNCE:
		bounce(ctx);
		return;
	case MATCH:
		give_all(e, sc_seal(s), fate, ctx->custody, match);
		break;
	case ALL:
	case AVAILABLE:
		give_all(e, sc_seal(s), fate, ctx->custody, NULL);
		break;
	case IGNORE:
		STAT_INC(stanzas_dropped);
		tell_given(&(struct given){ { e, s, SC_GIVEN_NOBODY }, NULL, ctx->custody, NULL });
		break;
	}
	ctx->finished(ctx, SC_TAKEN);
}

/* A probe is answered as it is for an account that has agreed to nothing with the sender, whose
 * server then forgets the subscription (§4.3.2, rule 1); and nobody learns which accounts exist. */
static void
answer_probe(const struct sc_stanza *probe)
{
	struct sc_arena *arena = arena_new();
	struct sc_stanza *answer = sc_stanza_new(SC_PRESENCE, SC_TYPE_UNSUBSCRIBED,
		sc_jid_bare(arena, sc_to(probe)), sc_from(probe), sc_id(probe));

	arena_free(arena);
	route(&answer, NULL);
}

/* §8.5.1 */
void
deliver_no_account(struct parcel *p)
{
	const struct sc_stanza *s = p->stanza;

	if (sc_kind(s) == SC_IQ || (sc_kind(s) == SC_MESSAGE && sc_type(s) != SC_TYPE_HEADLINE))
		route_failed(p->stanza, p->custody, SC_COND_SERVICE_UNAVAILABLE, NULL);
	else if (sc_kind(s) == SC_PRESENCE && sc_type(s) == SC_TYPE_PROBE)
		answer_probe(s);
	else
		STAT_INC(stanzas_dropped);
	sc_stanza_free(&p->stanza);
	custody_release(p->custody);
	free(p);
}

/* --- IQs that the server answers --- */

static void
refuse_iq(struct sc_ctx *ctx, enum sc_cond cond, const char *text)
{
	enum sc_verdict v = sc_refuse(ctx, cond, text);

	ctx->finished(ctx, v);
}

static void
iq_finished(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	ctx->finished = ctx->after_iq;
	if (verdict == SC_PASS)
		refuse_iq(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	else
		ctx->finished(ctx, verdict);
}

/* RFC 6120 §8.2.3: exactly one payload. */
static bool
has_one_payload(const struct sc_stanza *s)
{
	const struct sc_elem *first = sc_first(sc_root(s));

	return first != NULL && sc_next(first) == NULL;
}

void
deliver_iq(struct sc_ctx *ctx, unsigned at)
{
	const struct sc_elem *payload;
	const struct sc_ctx *outer;
	enum sc_verdict verdict;
	struct iq_found found;

	if (!has_one_payload(ctx->stanza)) {
		refuse_iq(ctx, SC_COND_BAD_REQUEST,
			"An IQ of type get or set has exactly one payload.");
		return;
	}
	payload = sc_payload(ctx->stanza);
	if (payload == NULL || !iq_find(ctx->host, ctx->service, sc_type(ctx->stanza), at, payload,
	    &found) || (at == SC_AT_ACCOUNT && !(found.row->at & SC_OPEN) && !sc_by_owner(ctx))) {
		refuse_iq(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	ctx->iq = true;
	ctx->after_iq = ctx->finished;
	ctx->finished = iq_finished;
	ctx->module = found.module;
	outer = ctx_enter(ctx);
	verdict = found.row->fn(ctx, payload);
	ctx_leave(outer);
	hook_go_on(ctx, verdict);
}

bool
sc_by_owner(const struct sc_ctx *ctx)
{
	return ctx->entity != NULL && sc_from(ctx->stanza) != NULL &&
		sc_jid_same_bare(sc_from(ctx->stanza), sc_entity_jid(ctx->entity));
}

/* A room or service has no resources that stanzas could be left at: what nobody took is answered,
 * or nothing. */
void
deliver_to_service(struct sc_ctx *ctx)
{
	const struct sc_stanza *s = ctx->ev.stanza;
	bool asks = sc_kind(s) == SC_IQ && (sc_type(s) == SC_TYPE_GET || sc_type(s) == SC_TYPE_SET);

	if (asks && sc_jid_is_bare(sc_to(s))) {
		deliver_iq(ctx, ctx->entity != NULL ? SC_AT_ROOM : SC_AT_SERVICE);
	} else if (asks || (sc_kind(s) == SC_MESSAGE && sc_type(s) != SC_TYPE_HEADLINE)) {
		bounce(ctx);
	} else {
		STAT_INC(stanzas_dropped);
		ctx->finished(ctx, SC_TAKEN);
	}
}

static void
delivered(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	(void)verdict;
	sc_stanza_free(&ctx->ev.stanza);
	ctx_free(ctx);
	route_run();
}

void
deliver_again(struct sc_entity *account, const struct sc_stanza *sealed, struct custody *hold,
	int64_t since)
{
	struct sc_ctx *ctx = ctx_new(account->host, account, NULL);

	ctx->custody = hold;
	ctx->since = since;
	ctx->ev.stanza = ctx->stanza = sc_ref(sealed);
	ctx->payload = &ctx->ev;
	ctx->finished = delivered;
	deliver(ctx);
}

void
sc_deliver(struct sc_entity *account, const struct sc_stanza *sealed)
{
	deliver_again(account, sealed, NULL, 0);
}
