/* SPDX-License-Identifier: MIT */
/*
 * ghosts: occupants who are gone without having said so (§18.1.2). Our own sessions tell by the fan
 * and by their presence; others by the errors that come back. Also people without an account: who
 * deleted it is in no room any more.
 */
#include "muc/muc.h"

static bool
means_gone(enum sc_cond cond)
{
	switch (cond) {
	case SC_COND_GONE:
	case SC_COND_ITEM_NOT_FOUND:
	case SC_COND_RECIPIENT_UNAVAILABLE:
	case SC_COND_REDIRECT:
	case SC_COND_REMOTE_SERVER_NOT_FOUND:
	case SC_COND_REMOTE_SERVER_TIMEOUT:
	case SC_COND_JID_MALFORMED:
		return true;
	default:
		return false;
	}
}

bool
ghost_error(struct room *r, const struct sc_stanza *error)
{
	struct seat *s = room_seat(r, sc_from(error));
	struct show show = { .unavailable = true };

	if (s == NULL || !means_gone(sc_error_cond(error)))
		return false;
	/* An answer to an IQ says nothing of a seat that has since come back. */
	if (sc_kind(error) == SC_IQ)
		return false;
	show_code(&show, 333);
	sc_count(muc_counters.kicked_errors, 1);
	seat_leave(s, &show);
	return true;
}
