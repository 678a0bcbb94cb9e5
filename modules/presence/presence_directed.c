/* SPDX-License-Identifier: MIT */
/*
 * presence_directed: whom a client has sent directed presence (RFC 6121 §4.6), so that they hear
 * when it is gone. Those who are subscribed hear it anyway and are not on the list, unless the
 * client has no presence session of which they could hear.
 */
#include "presence/presence.h"

#include <stdlib.h>
#include <string.h>

static struct sc_jid *
keep_jid(const struct sc_jid *jid)
{
	size_t n = strlen(jid->text) + 1;
	struct sc_jid *kept = malloc(sizeof *kept + n);

	sc_assert(kept != NULL);
	*kept = *jid;
	kept->text = memcpy(kept + 1, jid->text, n);
	return kept;
}

void
directed_fini(void *slot)
{
	struct directed *d = slot;

	for (size_t i = 0; i < d->n; i++)
		free(d->jids[i]);
	free(d->jids);
}

bool
directed_has(const struct sc_session *session, const struct sc_jid *jid)
{
	const struct directed *d = sc_session_slot_peek(session, presence_directed_slot);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (sc_jid_same(d->jids[i], jid))
			return true;
	return false;
}

void
directed_forget(struct sc_session *session, const struct sc_jid *from, bool whole_bare)
{
	struct directed *d = sc_session_slot_peek(session, presence_directed_slot);
	size_t kept = 0;

	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++) {
		if (whole_bare ? sc_jid_same_bare(d->jids[i], from) : sc_jid_same(d->jids[i], from))
			free(d->jids[i]);
		else
			d->jids[kept++] = d->jids[i];
	}
	d->n = kept;
}

static void
remember(struct sc_session *session, const struct sc_jid *to)
{
	struct directed *d = sc_session_slot(session, presence_directed_slot);

	if (d->n == d->room) {
		d->room = d->room ? d->room * 2 : 4;
		d->jids = realloc(d->jids, d->room * sizeof *d->jids);
		sc_assert(d->jids != NULL);
	}
	d->jids[d->n++] = keep_jid(to);
}

enum sc_verdict
directed_out(struct sc_ctx *ctx, struct sc_session *session, const struct sc_stanza *presence)
{
	const struct presence_conf *conf = sc_conf(ctx);
	const struct directed *d = sc_session_slot_peek(session, presence_directed_slot);
	struct sc_entity *account = sc_session_account(session);
	const struct sc_jid *to = sc_to(presence);

	if (sc_type(presence) == SC_TYPE_UNAVAILABLE) {
		directed_forget(session, to, false);
		return SC_PASS;
	}
	if (sc_jid_same_bare(to, sc_entity_jid(account)) || directed_has(session, to))
		return SC_PASS;
	if (sc_session_available(session) && (sc_contact(account, to) & SC_SUB_FROM))
		return SC_PASS;
	if (d != NULL && (int64_t)d->n >= conf->max_directed) {
		sc_count(presence_directed_full, 1);
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
			"You have sent directed presence to too many.");
	}
	remember(session, to);
	return SC_PASS;
}

void
directed_end(struct sc_session *session, const struct sc_stanza *unavailable, bool subscribers_know)
{
	struct directed *d = sc_session_slot_peek(session, presence_directed_slot);
	struct sc_entity *account = sc_session_account(session);

	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++) {
		if (!subscribers_know || !(sc_contact(account, d->jids[i]) & SC_SUB_FROM))
			sc_broadcast(unavailable, d->jids[i]);
		free(d->jids[i]);
	}
	free(d->jids);
	*d = (struct directed){ 0 };
}
