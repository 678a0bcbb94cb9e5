/* SPDX-License-Identifier: MIT */
/* occupant_id: one id for one user in one room, whatever nick (XEP-0421). It does not give the user
 * away, and differs from room to room. */
#include "muc/muc.h"

#include <stdio.h>

void
occupant_id(const struct room *r, const struct sc_jid *user, char out[32])
{
	char text[2 * SC_JID_MAX];
	int n = snprintf(text, sizeof text, "%s\n%.*s", sc_entity_jid(r->entity)->text,
		(int)sc_jid_bare_span(user).n, sc_jid_bare_span(user).p);

	sc_pseudonym("occupant-id", (struct sc_span){ text, (size_t)n }, out);
}
