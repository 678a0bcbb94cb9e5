/* SPDX-License-Identifier: MIT */
/*
 * urgency: what must reach an inactive client at once. That is everything but a short list, so that
 * what nobody has thought of here is never late.
 */
#include "csi/csi.h"

#define NS_CARBONS "urn:xmpp:carbons:2"
#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define NS_HINTS "urn:xmpp:hints"
#define NS_STANZA_ID "urn:xmpp:sid:0"
#define NS_OCCUPANT_ID "urn:xmpp:occupant-id:0"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event"

/* FNV-1a over one letter for the kind and the text. */
static uint64_t
key_of(char kind, const char *text)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ (unsigned char)kind) * UINT64_C(0x100000001b3);

	for (const char *p = text; p != NULL && *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return h != 0 ? h : 1;
}

/* --- presence --- */

/* The end of a join, or of being in a room (XEP-0045 §7.2.2). */
static bool
is_about_me_in_room(const struct sc_stanza *p)
{
	const struct sc_elem *x = sc_find(p, NS_MUC_USER, "x");

	for (const struct sc_elem *e = sc_first(x); e != NULL; e = sc_next(e))
		if (sc_is(e, NS_MUC_USER, "status") && sc_same(sc_attr(e, "code"), "110"))
			return true;
	return false;
}

static struct urgency
of_presence(const struct sc_stanza *p)
{
	enum sc_type type = sc_type(p);

	if ((type != SC_TYPE_AVAILABLE && type != SC_TYPE_UNAVAILABLE) || sc_from(p) == NULL ||
	    is_about_me_in_room(p))
		return (struct urgency){ SORT_URGENT, false, 0 };
	return (struct urgency){ SORT_PRESENCE, false, key_of('p', sc_from(p)->text) };
}

/* --- messages --- */

/* What is in a carbon of this account, or the message itself. */
static const struct sc_elem *
inside(const struct sc_session *session, const struct sc_stanza *m)
{
	const struct sc_elem *e = sc_find(m, NS_CARBONS, "received");

	if (e == NULL)
		e = sc_find(m, NS_CARBONS, "sent");
	if (e == NULL || !sc_jid_same(sc_from(m), sc_entity_jid(sc_session_account(session))))
		return sc_root(m);
	e = sc_child(sc_child(e, NS_FORWARD, "forwarded"), SC_NS_CONTENT, "message");
	return e != NULL ? e : sc_root(m);
}

enum content { NOTHING = 0, STATE = 1, RECEIPT = 2, MARKER = 4, NOTE = 8, OTHER = 16 };

static enum content
content_of(const struct sc_elem *e)
{
	const char *ns = sc_ns(e);

	if (sc_same(ns, NS_CHAT_STATES))
		return STATE;
	if (sc_is(e, NS_RECEIPTS, "received"))
		return RECEIPT;
	if (sc_is(e, NS_MARKERS, "displayed"))
		return MARKER;
	if (sc_same(ns, NS_PUBSUB_EVENT))
		return NOTE;
	if (sc_same(ns, NS_HINTS) || sc_same(ns, NS_STANZA_ID) || sc_same(ns, NS_OCCUPANT_ID) ||
	    sc_is(e, NS_MUC_USER, "x") || sc_is(e, SC_NS_DELAY, "delay") ||
	    sc_is(e, SC_NS_CONTENT, "thread"))
		return NOTHING;
	return OTHER;
}

static unsigned
contents_of(const struct sc_elem *message)
{
	unsigned all = NOTHING;

	for (const struct sc_elem *e = sc_first(message); e != NULL; e = sc_next(e))
		all |= (unsigned)content_of(e);
	return all;
}

/* Marks of one device only move forward, so of those the last one says all; each receipt is about
 * a message of its own. What a room or a service sends has no other keeper than this queue. */
static struct urgency
of_message(const struct sc_session *session, const struct sc_stanza *m)
{
	const struct sc_elem *e = inside(session, m);
	const char *from = sc_attr(e, "from");
	bool kept = sc_type(m) == SC_TYPE_CHAT || sc_type(m) == SC_TYPE_NORMAL;
	unsigned all = sc_type(m) == SC_TYPE_ERROR ? OTHER : contents_of(e);

	switch (all) {
	case STATE:
		return (struct urgency){ SORT_STATE, false, key_of('s', from) };
	case MARKER:
	case MARKER | STATE:
		return (struct urgency){ SORT_RECEIPT, kept, key_of('m', from) };
	case RECEIPT:
	case RECEIPT | STATE:
	case RECEIPT | MARKER:
		return (struct urgency){ SORT_RECEIPT, kept, 0 };
	case NOTE:
		return (struct urgency){ SORT_NOTE, false, 0 };
	default:
		/* Whoever says how he is with what he writes is no longer what he was before. */
		return (struct urgency){ SORT_URGENT, false, all & STATE ? key_of('s', from) : 0 };
	}
}

struct urgency
urgency_of(const struct sc_session *session, const struct sc_stanza *s)
{
	switch (sc_kind(s)) {
	case SC_PRESENCE:
		return of_presence(s);
	case SC_MESSAGE:
		return of_message(session, s);
	default:
		return (struct urgency){ SORT_URGENT, false, 0 };
	}
}
