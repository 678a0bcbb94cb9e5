/* SPDX-License-Identifier: MIT */
/*
 * worth: which messages an archive keeps (XEP-0313 §6.1.1, XEP-0334). One-to-one messages that say
 * something: text, and whatever else a client must find again on another device, such as receipts
 * and read marks, corrections, reactions, retractions, calls, keys. Unknown payloads are kept:
 * what nobody here has thought of yet should not be lost.
 */
#include "archive/archive.h"

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event"

static bool
says_something(const struct sc_elem *e)
{
	return !sc_same(sc_ns(e), NS_CHAT_STATES) && !sc_same(sc_ns(e), NS_HINTS) &&
		!sc_same(sc_ns(e), NS_SID) && !sc_same(sc_ns(e), NS_PUBSUB_EVENT) &&
		!sc_is(e, SC_NS_DELAY, "delay") && !sc_is(e, SC_NS_CONTENT, "thread");
}

bool
worth_keeping(const struct sc_stanza *m)
{
	if (sc_type(m) != SC_TYPE_CHAT && sc_type(m) != SC_TYPE_NORMAL)
		return false;
	if (sc_find(m, NS_HINTS, "no-store") != NULL ||
	    sc_find(m, NS_HINTS, "no-permanent-store") != NULL)
		return false;
	for (const struct sc_elem *e = sc_first(sc_root(m)); e != NULL; e = sc_next(e))
		if (says_something(e))
			return true;
	return sc_find(m, NS_HINTS, "store") != NULL;
}
