/* SPDX-License-Identifier: MIT */
/* worth: which messages are stored for somebody who is away (XEP-0160 §3, XEP-0334). */
#include "offline/spool.h"

#define NS_HINTS "urn:xmpp:hints"

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
	if (!sc_has_content(s) && sc_find(s, NS_HINTS, "store") == NULL)
		return WORTH_NOTHING;
	return sc_find(s, NS_HINTS, "no-store") != NULL ? WORTH_AN_ERROR : WORTH_STORING;
}
