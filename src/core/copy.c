/* SPDX-License-Identifier: MIT */
/*
 * copy: further copies of a message for other sessions of an account (carbons). The sender's
 * acknowledgement waits for them as for the message itself, and a row in the spool keeps them while
 * their sessions live.
 */
#include "config.h"

#include "core/copy.h"
#include "core/custody.h"
#include "core/owed.h"
#include "core/session.h"
#include "plugin/hook.h"
#include "xmpp/stanza.h"

/* Without a row to fall back on nothing makes the copy safe before its client acknowledges, which
 * may take for ever: then nobody waits. */
static void
give_copy(struct sc_session *s, const struct sc_stanza *sealed, struct custody *custody,
	struct sc_owed *owed)
{
	if (s->sm != NULL && owed == NULL)
		custody = NULL;
	custody_hold(custody);
	session_send(s, sealed, OUTQ_TO_SELF, NULL, custody, owed, NULL, NULL);
}

static bool
wants(struct sc_session *s, bool (*test)(void *, struct sc_session *), void *arg)
{
	return !s->ending && !s->gone && test(arg, s);
}

void
sc_push_copies(struct sc_ctx *ctx, const struct sc_stanza *sealed, enum sc_copy_kept kept,
	bool (*test)(void *, struct sc_session *), void *arg)
{
	bool keep = kept == SC_COPY_KEPT && (sealed->type == SC_TYPE_NORMAL ||
		sealed->type == SC_TYPE_CHAT);
	struct sc_owed *owed = NULL;

	for (struct sc_session *s = NULL; (s = sc_session_next(ctx->entity, s)) != NULL;) {
		if (!wants(s, test, arg))
			continue;
		if (keep && owed == NULL && s->sm != NULL) {
			owed = owed_new(ctx->entity, sealed);
			/* whoever comes later does not need it: only these sessions do */
			owed->acked = true;
		}
		give_copy(s, sealed, ctx->custody, owed);
	}
	if (owed != NULL)
		owed_given(owed);
}

void
sc_given_copies(const struct sc_ev_given *ev, const struct sc_stanza *sealed,
	bool (*test)(void *, struct sc_session *), void *arg)
{
	const struct given *g = container_of(ev, struct given, ev);

	/* A copy of what the spool has is nobody's duty. */
	for (struct sc_session *s = NULL; (s = sc_session_next(ev->account, s)) != NULL;)
		if (wants(s, test, arg))
			give_copy(s, sealed, ev->how == SC_GIVEN_SPOOL ? NULL : g->custody,
				g->owed);
}
