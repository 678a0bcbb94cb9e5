/* SPDX-License-Identifier: MIT */
/* worth: which messages are stored for somebody who is away (XEP-0160 §3, XEP-0334). */
#include "offline/spool.h"

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_HINTS "urn:xmpp:hints"
#define NS_STANZA_ID "urn:xmpp:sid:0"

enum content {
	CONTENT_NONE,           /* says something about the message, is no message */
	CONTENT_STATE,          /* "is typing" */
	CONTENT_REAL,
};

/* Whatever is not known here is content: a receipt, a marker, an invitation, a call, something
 * encrypted. */
static enum content
content_of(const struct sc_elem *e)
{
	if (sc_same(sc_ns(e), NS_CHAT_STATES))
		return CONTENT_STATE;
	if (sc_is(e, SC_NS_CONTENT, "thread") || sc_is(e, SC_NS_DELAY, "delay") ||
	    sc_same(sc_ns(e), NS_HINTS) || sc_same(sc_ns(e), NS_STANZA_ID))
		return CONTENT_NONE;
	return CONTENT_REAL;
}

static bool
has_content(const struct sc_stanza *s)
{
	for (const struct sc_elem *e = sc_first(sc_root(s)); e != NULL; e = sc_next(e))
		if (content_of(e) == CONTENT_REAL)
			return true;
	return false;
}

/*
 * XEP-0160 stores chat and normal messages but for chat states alone; these get no error, which
 * would answer every key press. A message without any content is treated the same. What its sender
 * does not want stored is answered like one that cannot be stored, so that he knows.
 * <no-permanent-store/> is about archives (XEP-0334 §3.3). <store/> does not overrule <no-store/>:
 * keeping less is the safer mistake.
 */
enum worth
worth_of(const struct sc_stanza *s)
{
	enum sc_type type = sc_type(s);

	if (type != SC_TYPE_CHAT && type != SC_TYPE_NORMAL)
		return WORTH_AN_ERROR;
	if (!has_content(s) && sc_find(s, NS_HINTS, "store") == NULL)
		return WORTH_NOTHING;
	return sc_find(s, NS_HINTS, "no-store") != NULL ? WORTH_AN_ERROR : WORTH_STORING;
}
