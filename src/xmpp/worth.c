/* SPDX-License-Identifier: MIT */
/* worth: which messages say something that people, or their other devices, would miss. */
#include "config.h"

#include <stonechat/stanza.h>
#include <stonechat/text.h>

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_HINTS "urn:xmpp:hints"
#define NS_STANZA_ID "urn:xmpp:sid:0"
#define NS_PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event"

/* Whatever is not known here is content: a receipt, a marker, an invitation, a call, something
 * encrypted. What nobody here has thought of yet should not be lost. */
static bool
is_content(const struct sc_elem *e)
{
	const char *ns = sc_ns(e);

	return !sc_same(ns, NS_CHAT_STATES) && !sc_same(ns, NS_HINTS) &&
		!sc_same(ns, NS_STANZA_ID) && !sc_is(e, SC_NS_DELAY, "delay") &&
		!sc_is(e, SC_NS_CONTENT, "thread");
}

static bool
has(const struct sc_stanza *m, bool events_too)
{
	for (const struct sc_elem *e = sc_first(sc_root(m)); e != NULL; e = sc_next(e))
		if (is_content(e) && (events_too || !sc_same(sc_ns(e), NS_PUBSUB_EVENT)))
			return true;
	return false;
}

bool
sc_has_content(const struct sc_stanza *m)
{
	return has(m, true);
}

bool
sc_worth_keeping(const struct sc_stanza *m)
{
	/* Keeping less is the safer mistake: <store/> does not overrule these. */
	if (sc_find(m, NS_HINTS, "no-store") != NULL ||
	    sc_find(m, NS_HINTS, "no-permanent-store") != NULL)
		return false;
	return has(m, false) || sc_find(m, NS_HINTS, "store") != NULL;
}

bool
sc_for_archive(const struct sc_stanza *m)
{
	return (sc_type(m) == SC_TYPE_CHAT || sc_type(m) == SC_TYPE_NORMAL) && sc_worth_keeping(m);
}
