/* SPDX-License-Identifier: MIT */
/*
 * eligible: the rules of XEP-0280 §6.1, all of them, because urn:xmpp:carbons:rules:0 promises
 * that. Messages through a room are known by their <x xmlns='…muc#user'/>, which the room adds
 * and XEP-0045 §7.5 asks clients to add.
 */
#include "carbons/carbons.h"

#define NS_HINTS "urn:xmpp:hints"
#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_CONFERENCE "jabber:x:conference"

static bool
is_invitation(const struct sc_stanza *m)
{
	return sc_find(m, NS_CONFERENCE, "x") != NULL ||
		sc_child(sc_find(m, NS_MUC_USER, "x"), NS_MUC_USER, "invite") != NULL;
}

/* The room gives those to every device that has joined. */
static bool
came_through_room(const struct sc_stanza *m)
{
	return sc_find(m, NS_MUC_USER, "x") != NULL && !sc_jid_is_bare(sc_from(m));
}

static bool
has_payload_of_chats(const struct sc_stanza *m)
{
	return sc_find(m, NS_RECEIPTS, NULL) != NULL || sc_find(m, NS_CHAT_STATES, NULL) != NULL ||
		sc_find(m, NS_MARKERS, NULL) != NULL;
}

static bool
by_rules(const struct sc_stanza *m, enum direction direction)
{
	if (sc_type(m) == SC_TYPE_GROUPCHAT || sc_find(m, NS_CARBONS, "private") != NULL ||
	    sc_find(m, NS_HINTS, "no-copy") != NULL)
		return false;
	if (is_invitation(m))
		return true;
	if (direction == RECEIVED && came_through_room(m))
		return false;
	return sc_type(m) == SC_TYPE_CHAT || has_payload_of_chats(m) ||
		(sc_type(m) == SC_TYPE_NORMAL && sc_find(m, SC_NS_CONTENT, "body") != NULL);
}

/* --- errors --- */

/* FNV-1a. A collision copies one error too many. */
static uint64_t
hash_more(uint64_t h, struct sc_span s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
hash_of(const struct sc_jid *other_side, const char *id)
{
	uint64_t h = hash_more(UINT64_C(0xcbf29ce484222325), sc_jid_bare_span(other_side));

	return hash_more(h * 31, sc_span(id));
}

static void
remember(struct recent *r, uint64_t hash)
{
	r->seen[r->next] = hash;
	r->next = (uint8_t)((r->next + 1) % RECENT);
}

static bool
is_remembered(const struct recent *r, uint64_t hash)
{
	for (int i = 0; i < RECENT; i++)
		if (r->seen[i] == hash)
			return true;
	return false;
}

bool
carbons_eligible(struct recent *r, const struct sc_stanza *m, enum direction direction)
{
	const struct sc_jid *other_side = direction == SENT ? sc_to(m) : sc_from(m);
	const char *id = sc_id(m);

	if (sc_type(m) == SC_TYPE_ERROR)
		return id != NULL && is_remembered(r, hash_of(other_side, id));
	if (!by_rules(m, direction))
		return false;
	if (id != NULL)
		remember(r, hash_of(other_side, id));
	return true;
}

bool
carbons_worth_keeping(const struct sc_stanza *m)
{
	if (sc_find(m, NS_HINTS, "no-store") != NULL)
		return false;
	for (const struct sc_elem *e = sc_first(sc_root(m)); e != NULL; e = sc_next(e))
		if (!sc_same(sc_ns(e), NS_CHAT_STATES) && !sc_is(e, SC_NS_CONTENT, "thread") &&
		    !sc_same(sc_ns(e), NS_HINTS))
			return true;
	return false;
}
