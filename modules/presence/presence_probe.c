/* SPDX-License-Identifier: MIT */
/* presence_probe: answers to probes (RFC 6121 §4.3.2, §4.6.6), and the presence that goes with a
 * change of subscription (§3). */
#include "presence/presence.h"

static void
send_last(struct sc_session *s, const struct sc_jid *to)
{
	struct sc_stanza *presence = sc_session_last_presence(s);

	sc_set_to(presence, to);
	sc_send(&presence);
}

/* Only the fact, with nothing in it. */
static void
send_mere(const struct sc_jid *from, const struct sc_jid *to, enum sc_type type, const char *id)
{
	struct sc_stanza *presence = sc_stanza_new(SC_PRESENCE, type, from, to, id);

	sc_send(&presence);
}

/* The later of what is stored and what this process has seen. */
static int64_t
gone_since(struct sc_entity *account)
{
	const struct presence_account *p = sc_entity_slot_peek(account, presence_account_slot);
	int64_t stored = sc_entity_last_seen(account);

	return p != NULL && p->gone_at > stored ? p->gone_at : stored;
}

static void
answer_bare(struct sc_entity *account, const struct sc_stanza *probe)
{
	struct sc_stanza *gone;
	bool any = false;

	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (sc_session_available(s)) {
			send_last(s, sc_from(probe));
			any = true;
		}
	if (any)
		return;
	gone = sc_stanza_new(SC_PRESENCE, SC_TYPE_UNAVAILABLE, sc_entity_jid(account),
		sc_from(probe), sc_id(probe));
	if (gone_since(account) > 0)
		sc_add_delay(gone, sc_entity_jid(account), gone_since(account));
	sc_send(&gone);
}

static void
answer_full(struct sc_entity *account, const struct sc_stanza *probe)
{
	struct sc_session *s = sc_session_by_resource(account, sc_jid_resource(sc_to(probe)));

	if (s != NULL && sc_session_available(s))
		send_mere(sc_to(probe), sc_from(probe), SC_TYPE_AVAILABLE, NULL);
	else
		send_mere(sc_to(probe), sc_from(probe), SC_TYPE_UNAVAILABLE, sc_id(probe));
}

/* Has a client that the probe is for sent this prober directed presence? */
static bool
answer_directed(struct sc_entity *account, const struct sc_stanza *probe)
{
	const struct sc_jid *to = sc_to(probe);
	bool any = false;

	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if ((sc_jid_is_bare(to) || sc_jid_same(sc_session_jid(s), to)) &&
		    directed_has(s, sc_from(probe))) {
			send_mere(sc_session_jid(s), sc_from(probe), SC_TYPE_AVAILABLE, NULL);
			any = true;
		}
	return any;
}

static enum sc_verdict
answer_probe(struct sc_entity *account, const struct sc_stanza *probe)
{
	if (sc_contact(account, sc_from(probe)) & SC_SUB_FROM) {
		if (sc_jid_is_bare(sc_to(probe)))
			answer_bare(account, probe);
		else
			answer_full(account, probe);
	} else if (!answer_directed(account, probe)) {
		/* From the bare JID, and the same as for an account that does not exist. */
		send_mere(sc_entity_jid(account), sc_from(probe), SC_TYPE_UNSUBSCRIBED,
			sc_id(probe));
	}
	return SC_TAKEN;
}

/* §4.6.1: whoever tells us that he is gone need not hear that we are. */
static void
forget_gone(struct sc_entity *account, const struct sc_stanza *unavailable)
{
	const struct sc_jid *to = sc_to(unavailable);

	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (sc_jid_is_bare(to) || sc_jid_same(sc_session_jid(s), to))
			directed_forget(s, sc_from(unavailable), false);
}

enum sc_verdict
presence_in(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (sc_kind(ev->stanza) != SC_PRESENCE)
		return SC_PASS;
	if (sc_type(ev->stanza) == SC_TYPE_PROBE)
		return answer_probe(sc_entity(ctx), ev->stanza);
	if (sc_type(ev->stanza) == SC_TYPE_UNAVAILABLE)
		forget_gone(sc_entity(ctx), ev->stanza);
	return SC_PASS;
}

/* §3.1.5: who is now subscribed gets current presence. §3.2.2: who was subscribed hears that we
 * are unavailable. */
void
presence_contact_changed(struct sc_ctx *ctx, const struct sc_ev_contact_changed *ev)
{
	(void)ctx;
	for (struct sc_session *s = NULL; (s = sc_session_next(ev->account, s)) != NULL;) {
		if (ev->is & ~ev->was & SC_SUB_FROM) {
			if (sc_session_available(s))
				send_last(s, ev->contact);
		} else if (ev->was & ~ev->is & SC_SUB_FROM) {
			directed_forget(s, ev->contact, true);
			if (sc_session_available(s))
				send_mere(sc_session_jid(s), ev->contact, SC_TYPE_UNAVAILABLE,
					NULL);
		}
	}
}
