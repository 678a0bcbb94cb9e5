/* SPDX-License-Identifier: MIT */
/*
 * presence_guard: a request to a client would show whether it is there, so it reaches only clients
 * that share their presence with the sender; others get the answer that a client gets which is not
 * there (RFC 6121 §8.5.3.1).
 */
#include "presence/presence.h"

/* Rooms ask for their occupants from other nicknames than the one that was joined as, so the
 * bare JID counts. */
static bool
shows_itself_to(const struct sc_session *s, const struct sc_jid *from)
{
	const struct directed *d = sc_session_slot_peek(s, presence_directed_slot);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (sc_jid_same_bare(d->jids[i], from))
			return true;
	return false;
}

enum sc_verdict
presence_guard(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct sc_jid *from = sc_from(ev->stanza), *to = sc_to(ev->stanza);
	struct sc_session *s;

	if (sc_kind(ev->stanza) != SC_IQ || sc_jid_is_bare(to) ||
	    (sc_type(ev->stanza) != SC_TYPE_GET && sc_type(ev->stanza) != SC_TYPE_SET))
		return SC_PASS;
	s = sc_session_by_resource(sc_entity(ctx), sc_jid_resource(to));
	/* Our own server and its services know who is here. */
	if (s == NULL || (sc_jid_is_domain(from) && sc_is_local(from)) ||
	    (sc_contact(sc_entity(ctx), from) & SC_SUB_FROM) || shows_itself_to(s, from))
		return SC_PASS;
	return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
}
