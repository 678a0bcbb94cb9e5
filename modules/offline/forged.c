/* SPDX-License-Identifier: MIT */
/* forged: see forged.h. */
#include "offline/forged.h"

static bool
is_forged(const struct sc_elem *e, void *arg)
{
	const char *from = sc_is(e, SC_NS_DELAY, "delay") ? sc_attr(e, "from") : NULL;
	const struct sc_jid *jid = from != NULL ? sc_jid(arg, from) : NULL;

	return jid != NULL && sc_jid_is_domain(jid) && sc_is_local(jid);
}

enum sc_verdict
forged_strip(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (sc_find(ev->stanza, SC_NS_DELAY, "delay") != NULL)
		sc_remove_children(ev->stanza, is_forged, sc_arena(ctx));
	return SC_PASS;
}
