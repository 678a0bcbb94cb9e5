/* SPDX-License-Identifier: MIT */
/*
 * carbons: copies of what one device sends and receives, for the account's other devices
 * (XEP-0280). A copy of what was received is made when the core knows who got the message itself.
 */
#include "carbons/carbons.h"

#define NS_FORWARD "urn:xmpp:forward:0"

static SC_COUNTER(carbons_made, "Messages that were copied to other devices of an account");
static SC_COUNTER(carbons_forged, "Carbons taken out of messages of others");

struct carbons {
	bool on;
};

static SC_SLOT(carbons_slot, SC_SLOT_SESSION, struct carbons, NULL);
static SC_SLOT(recent_slot, SC_SLOT_ENTITY, struct recent, NULL);

/* --- switching --- */

static void
switch_session(struct sc_session *session, bool on)
{
	((struct carbons *)sc_session_slot(session, &carbons_slot))->on = on;
}

static enum sc_verdict
answer_switch(struct sc_ctx *ctx, bool on)
{
	struct sc_stanza *result = sc_result(ctx);

	if (sc_session(ctx) != NULL)
		switch_session(sc_session(ctx), on);
	return sc_answer(ctx, &result);
}

static enum sc_verdict
turn_on(struct sc_ctx *ctx, const struct sc_elem *enable)
{
	(void)enable;
	return answer_switch(ctx, true);
}

static enum sc_verdict
turn_off(struct sc_ctx *ctx, const struct sc_elem *disable)
{
	(void)disable;
	return answer_switch(ctx, false);
}

/* Bind 2 (XEP-0386). */
static void
turn_on_at_bind(struct sc_ctx *ctx, const struct sc_elem *enable)
{
	(void)enable;
	switch_session(sc_session(ctx), true);
}

/* Over a restart. */
static void
note(struct sc_ctx *ctx, struct sc_ev_notes *ev)
{
	const struct carbons *c = sc_session_slot_peek(ev->session, &carbons_slot);

	(void)ctx;
	if (c != NULL && c->on)
		sc_note(ev->notes, "carbons.on", "yes");
}

static void
remember(struct sc_ctx *ctx, const struct sc_ev_notes *ev)
{
	if (sc_note_of(sc_arena(ctx), ev->notes, "carbons.on") != NULL)
		switch_session(ev->session, true);
}

/* --- who is to have a copy --- */

struct choice {
	const struct sc_stanza *message;
	const struct sc_ev_given *given;        /* NULL: it is one that was sent */
};

static bool
gets_copy(void *arg, struct sc_session *session)
{
	const struct choice *c = arg;
	const struct carbons *slot = sc_session_slot_peek(session, &carbons_slot);

	if (slot == NULL || !slot->on || sc_jid_same(sc_session_jid(session), sc_from(c->message)))
		return false;
	return c->given == NULL || !sc_given_to(c->given, session);
}

static bool
anybody_gets_copy(struct sc_entity *account, struct choice *choice)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (gets_copy(choice, s))
			return true;
	return false;
}

/* --- copies --- */

/* Without `to`: each session's own is spliced in. */
static struct sc_stanza *
wrap(const struct sc_entity *account, const struct sc_stanza *m, const char *name)
{
	struct sc_stanza *w = sc_stanza_new(SC_MESSAGE, sc_type(m), sc_entity_jid(account), NULL,
		NULL);
	struct sc_elem *e = sc_add(w, sc_stanza_root(w), NS_CARBONS, name);

	e = sc_add(w, e, NS_FORWARD, "forwarded");
	sc_add_stanza(w, e, m);
	sc_seal(w);
	sc_count(&carbons_made, 1);
	return w;
}

static bool
is_eligible(struct sc_entity *account, const struct sc_stanza *m, enum direction direction)
{
	return carbons_eligible(sc_entity_slot(account, &recent_slot), m, direction);
}

/* What somebody sends to himself reaches his devices as a message received. */
static bool
is_to_self(const struct sc_entity *account, const struct sc_stanza *m)
{
	return sc_to(m) == NULL || sc_jid_same_bare(sc_to(m), sc_entity_jid(account));
}

static enum sc_verdict
copy_sent(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_entity *account = sc_entity(ctx);
	struct choice choice = { ev->stanza, NULL };
	struct sc_stanza *w;

	if (sc_kind(ev->stanza) != SC_MESSAGE || is_to_self(account, ev->stanza) ||
	    !anybody_gets_copy(account, &choice) || !is_eligible(account, ev->stanza, SENT))
		return SC_PASS;
	w = wrap(account, ev->stanza, "sent");
	sc_push_copies(ctx, w, carbons_worth_keeping(ev->stanza) ? SC_COPY_KEPT :
		SC_COPY_NOT_KEPT, gets_copy, &choice);
	sc_stanza_free(&w);
	return SC_PASS;
}

static void
copy_received(struct sc_ctx *ctx, const struct sc_ev_given *ev)
{
	struct choice choice = { ev->message, ev };
	struct sc_stanza *w;

	(void)ctx;
	if (!anybody_gets_copy(ev->account, &choice) ||
	    !is_eligible(ev->account, ev->message, RECEIVED))
		return;
	w = wrap(ev->account, ev->message, "received");
	sc_given_copies(ev, w, gets_copy, &choice);
	sc_stanza_free(&w);
}

/* --- forgery --- */

static bool
is_carbon(const struct sc_elem *e, void *arg)
{
	(void)arg;
	return sc_is(e, NS_CARBONS, "sent") || sc_is(e, NS_CARBONS, "received");
}

/* Only the account's own server makes them; there are clients that do not look who has sent them
 * (§11: CVE-2017-5589 and its kin). */
static enum sc_verdict
strip_forged(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	(void)ctx;
	if (sc_kind(ev->stanza) == SC_MESSAGE && sc_find(ev->stanza, NS_CARBONS, NULL) != NULL)
		sc_count(&carbons_forged, sc_remove_children(ev->stanza, is_carbon, NULL));
	return SC_PASS;
}

/* --- the module --- */

static const struct sc_hook hooks[] = {
	SC_ON(from_client, MARK, strip_forged),
	SC_ON(from_remote, MARK, strip_forged),
	SC_ON(from_client, COPY, copy_sent),
	SC_SEE(message_given, copy_received),
	SC_SEE(session_saving, note),
	SC_SEE(session_restored, remember),
	SC_END
};

static const struct sc_iq iq[] = {
	{ SC_IQ_SET, SC_AT_ACCOUNT, NS_CARBONS, "enable", turn_on },
	{ SC_IQ_SET, SC_AT_ACCOUNT, NS_CARBONS, "disable", turn_off },
	{ 0 }
};

static const struct sc_nonza nonzas[] = {
	{ SC_NONZA_BIND, NS_CARBONS, "enable", turn_on_at_bind },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER | SC_AT_ACCOUNT, NS_CARBONS },
	{ SC_AT_SERVER | SC_AT_ACCOUNT, "urn:xmpp:carbons:rules:0" },
	{ 0 }
};

SC_MODULE(carbons,
	.summary = "Copies conversations to a user's other devices.",
	.implements = SC_LIST("XEP-0280 1.0.1", "XEP-0297 1.0", "XEP-0334 1.0.0"),
	.slots = SC_SLOTS(&carbons_slot, &recent_slot),
	.counters = SC_COUNTERS(&carbons_made, &carbons_forged),
	.hooks = hooks,
	.iq = iq,
	.nonzas = nonzas,
	.features = features
);
