/* SPDX-License-Identifier: MIT */
/*
 * stanza_id: gives messages that an account receives an id of the account's own (XEP-0359), and
 * takes out those that somebody else gives in its name. An archive uses the id that it finds here.
 */
#include <stonechat/stonechat.h>

#define NS_STANZA_ID "urn:xmpp:sid:0"

static SC_COUNTER(stanza_ids_forged,
	"Stanza ids that claimed to be the account's, taken out");

/* --- forgery --- */

struct mine {
	struct sc_arena *arena;
	const struct sc_jid *account;
};

static bool
claims_to_be_mine(const struct sc_elem *e, void *arg)
{
	const struct mine *mine = arg;
	const char *by = sc_is(e, NS_STANZA_ID, "stanza-id") ? sc_attr(e, "by") : NULL;
	const struct sc_jid *jid = by != NULL ? sc_jid(mine->arena, by) : NULL;

	if (jid == NULL)
		return false;
	return sc_jid_same_bare(jid, mine->account) || (sc_jid_is_domain(jid) && sc_is_local(jid));
}

/* Before the account's own is added; and from what its clients send, because others trust the
 * server to see to it (§3, rule 2). */
static void
strip(struct sc_ctx *ctx, struct sc_stanza *m)
{
	struct mine mine = { .account = sc_entity_jid(sc_entity(ctx)) };

	if (sc_find(m, NS_STANZA_ID, "stanza-id") == NULL)
		return;
	mine.arena = sc_arena(ctx);
	sc_count(&stanza_ids_forged, sc_remove_children(m, claims_to_be_mine, &mine));
}

/* --- adding --- */

static enum sc_verdict
sent(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	if (sc_kind(ev->stanza) == SC_MESSAGE)
		strip(ctx, ev->stanza);
	return SC_PASS;
}

static enum sc_verdict
received(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_stanza *m = ev->stanza;
	struct sc_elem *e;

	if (sc_kind(m) != SC_MESSAGE)
		return SC_PASS;
	strip(ctx, m);
	/* A client takes an id for the promise that it can be found in the archive. */
	if (!sc_for_archive(m))
		return SC_PASS;
	e = sc_add(m, sc_stanza_root(m), NS_STANZA_ID, "stanza-id");
	sc_set_attr(m, e, "by", sc_entity_jid(sc_entity(ctx))->text);
	sc_set_attr(m, e, "id", sc_archive_id(sc_arena(ctx), sc_entity_moment(sc_entity(ctx))));
	return SC_PASS;
}

static const struct sc_hook hooks[] = {
	SC_ON(from_client, MARK, sent),
	SC_ON(to_user, MARK, received),
	SC_END
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER | SC_AT_ACCOUNT, NS_STANZA_ID },
	{ 0 }
};

SC_MODULE(stanza_id,
	.summary = "Gives messages to an account unique and stable ids.",
	.implements = SC_LIST("XEP-0359 0.7.0"),
	.counters = SC_COUNTERS(&stanza_ids_forged),
	.hooks = hooks,
	.features = features
);
