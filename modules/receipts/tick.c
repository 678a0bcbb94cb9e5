/* SPDX-License-Identifier: MIT */
/*
 * tick: "delivered", said by the server. A client that knows no receipts (XEP-0184) never tells the
 * sender that a message has arrived; its acknowledgement by XEP-0198 tells us. So when that comes,
 * and the message had asked, and this client is known not to answer by itself, the sender's devices
 * are told, in a namespace of our own. Off unless the administrator switches it on.
 *
 * Whether a client answers is asked of the client (XEP-0030) once it is available.
 */
#include <stdio.h>
#include "receipts/receipts.h"

#define NS_DISCO "http://jabber.org/protocol/disco#info"

static struct tick_client *
client_of(struct sc_session *session)
{
	return sc_session_slot(session, tick_client_slot);
}

static bool
is_on(const struct sc_ctx *ctx)
{
	return ((const struct receipts_conf *)sc_conf(ctx))->delivered_tick;
}

/* --- what a client is --- */

void
tick_ask_client(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	struct tick_client *c;
	struct sc_stanza *iq;

	if (!is_on(ctx) || !ev->is_available)
		return;
	c = client_of(ev->session);
	if (c->answers != ANSWERS_UNKNOWN)
		return;
	c->answers = ANSWERS_ASKED;
	snprintf(c->id, sizeof c->id, "%s", sc_token(sc_arena(ctx)));
	iq = sc_stanza_new(SC_IQ, SC_TYPE_GET, sc_host_jid(sc_host(ctx)),
		sc_session_jid(ev->session), c->id);
	sc_add(iq, sc_stanza_root(iq), NS_DISCO, "query");
	sc_push(ev->session, &iq);
}

static bool
lists_receipts(const struct sc_stanza *result)
{
	const struct sc_elem *query = sc_find(result, NS_DISCO, "query");

	for (const struct sc_elem *e = sc_first(query); e != NULL; e = sc_next(e))
		if (sc_is(e, NS_DISCO, "feature") && sc_same(sc_attr(e, "var"), NS_RECEIPTS))
			return true;
	return false;
}

static bool
is_answer(const struct tick_client *c, const struct sc_ctx *ctx, const struct sc_stanza *iq)
{
	return c != NULL && c->answers == ANSWERS_ASKED && sc_same(sc_id(iq), c->id) &&
		sc_to(iq) != NULL && sc_jid_same(sc_to(iq), sc_host_jid(sc_host(ctx)));
}

enum sc_verdict
tick_from_client(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct sc_stanza *s = ev->stanza;
	struct sc_session *session = sc_session(ctx);
	struct tick_client *c;

	if (!is_on(ctx) || session == NULL)
		return SC_PASS;
	if (sc_kind(s) == SC_MESSAGE && sc_find(s, NS_RECEIPTS, "received") != NULL) {
		client_of(session)->answers = ANSWERS_YES;
		return SC_PASS;
	}
	if (sc_kind(s) != SC_IQ || (sc_type(s) != SC_TYPE_RESULT && sc_type(s) != SC_TYPE_ERROR))
		return SC_PASS;
	c = sc_session_slot_peek(session, tick_client_slot);
	if (!is_answer(c, ctx, s))
		return SC_PASS;
	/* Who answers with an error has said nothing about receipts. */
	if (sc_type(s) == SC_TYPE_RESULT)
		c->answers = lists_receipts(s) ? ANSWERS_YES : ANSWERS_NO;
	return SC_TAKEN;
}

/* --- what arrives --- */

static bool
asks_for_receipt(const struct sc_stanza *m)
{
	return sc_kind(m) == SC_MESSAGE &&
		(sc_type(m) == SC_TYPE_CHAT || sc_type(m) == SC_TYPE_NORMAL) &&
		sc_id(m) != NULL && sc_find(m, NS_RECEIPTS, "request") != NULL;
}

enum sc_verdict
tick_to_session(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct tick_client *c;

	if (sc_session(ctx) == NULL || !is_on(ctx) || !asks_for_receipt(ev->stanza))
		return SC_PASS;
	c = sc_session_slot_peek(sc_session(ctx), tick_client_slot);
	/* That it does not answer may turn out while the message is on its way. */
	if (c != NULL && c->answers != ANSWERS_YES)
		sc_watch(ctx);
	return SC_PASS;
}

static bool
is_silent(struct sc_session *acked)
{
	struct sc_entity *account = sc_session_account(acked);
	const struct tick_client *c = sc_session_slot_peek(acked, tick_client_slot);

	if (c == NULL || c->answers != ANSWERS_NO)
		return false;
	/* Another device that answers does it for all. */
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;) {
		c = sc_session_slot_peek(s, tick_client_slot);
		if (c != NULL && c->answers == ANSWERS_YES)
			return false;
	}
	return true;
}

static bool
is_told(struct ticked *t, const struct sc_stanza *m)
{
	uint64_t hash = hash_span(hash_span(0, sc_jid_bare_span(sc_from(m))), sc_span(sc_id(m)));

	for (int i = 0; i < TICKED; i++)
		if (t->seen[i] == hash)
			return true;
	t->seen[t->next] = hash;
	t->next = (uint8_t)((t->next + 1) % TICKED);
	return false;
}

/* §8 of XEP-0184: a receipt tells that somebody is there. Only those may know who see the presence,
 * and only on this server, where clients can have been told what it means. */
static bool
may_know(struct sc_entity *account, const struct sc_jid *sender)
{
	return sc_is_local(sender) && !sc_jid_same_bare(sender, sc_entity_jid(account)) &&
		(sc_contact(account, sender) & SC_SUB_FROM) != 0;
}

void
tick_acked(struct sc_ctx *ctx, const struct sc_ev_acked *ev)
{
	struct sc_entity *account = sc_session_account(ev->session);
	const struct sc_stanza *m = ev->stanza;
	struct sc_stanza *tick;
	struct sc_elem *e;

	if (!is_on(ctx) || !asks_for_receipt(m) || !is_silent(ev->session) ||
	    !may_know(account, sc_from(m)) || is_told(sc_entity_slot(account, ticked_slot), m))
		return;
	tick = sc_stanza_new(SC_MESSAGE, sc_type(m), sc_entity_jid(account),
		sc_jid_bare(sc_arena(ctx), sc_from(m)), sc_token(sc_arena(ctx)));
	e = sc_add(tick, sc_stanza_root(tick), NS_DELIVERED, "delivered");
	sc_set_attr(tick, e, "id", sc_id(m));
	sc_count(ticks_sent, 1);
	sc_send(&tick);
}

void
tick_feature(struct sc_ctx *ctx, struct sc_ev_disco *ev)
{
	if (is_on(ctx) && sc_disco_at(ev->disco) == SC_AT_SERVER &&
	    sc_disco_node(ev->disco) == NULL)
		sc_disco_add_feature(ev->disco, NS_DELIVERED);
}
