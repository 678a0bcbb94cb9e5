/* SPDX-License-Identifier: MIT */
/*
 * tally: counts the chats that an account sends and tells its owner how many there were. An example
 * of a module that is built outside the server's tree; doc/plugin-guide.md explains each part.
 */
#include <stonechat/stonechat.h>
#include "tally.sql.h"

#define NS_TALLY "urn:example:tally:0"

/* --- what the administrator may set: tally = { only_text = false; }; --- */

struct tally_conf {
	bool only_text;
};

static const struct sc_key conf[] = {
	SC_CONF_BOOL(struct tally_conf, only_text, "true",
		"Count only chats with a body, not \"is typing\" and the like."),
	SC_CONF_END
};

/* --- what the module remembers --- */

/* Of an account, as long as the server has it in memory. */
struct tally {
	int64_t sent;
};

static SC_SLOT(tally_slot, SC_SLOT_ENTITY, struct tally, NULL);
static SC_COUNTER(tally_counted, "Chats counted by the example module");

/* --- counting --- */

static enum sc_verdict
count_chat(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct tally_conf *c = sc_conf(ctx);
	const struct sc_stanza *s = ev->stanza;
	struct tally *tally;

	if (sc_kind(s) != SC_MESSAGE || sc_type(s) != SC_TYPE_CHAT)
		return SC_PASS;
	if (c->only_text && sc_find(s, SC_NS_CONTENT, "body") == NULL)
		return SC_PASS;
	tally = sc_entity_slot(sc_entity(ctx), &tally_slot);
	tally->sent++;
	sc_count(&tally_counted, 1);
	return SC_PASS;
}

/* --- telling: <iq type='get'><tally xmlns='urn:example:tally:0'/></iq> --- */

static enum sc_verdict
account_found(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	const struct tally *tally = sc_entity_slot(sc_entity(ctx), &tally_slot);
	struct sc_stanza *answer;
	struct sc_elem *e;

	if (sc_rows_status(rows) == SC_DB_BUSY)
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, NULL);
	if (sc_rows_status(rows) != SC_DB_OK || sc_rows_count(rows) == 0)
		return sc_refuse(ctx, SC_COND_INTERNAL, NULL);
	answer = sc_result(ctx);
	e = sc_add(answer, sc_stanza_root(answer), NS_TALLY, "tally");
	sc_set_attr(answer, e, "sent", sc_format(sc_arena(ctx), "%lld", (long long)tally->sent));
	sc_set_attr(answer, e, "member-since", sc_timestamp(sc_arena(ctx), sc_row_int(rows, 0, 0)));
	return sc_answer(ctx, &answer);
}

static enum sc_verdict
tell(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	(void)asked;
	return sc_db_detach(ctx, &sql_tally_account, SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx)))),
		account_found);
}

/* --- everything, as data --- */

static const struct sc_hook hooks[] = {
	SC_ON(from_client, STORE, count_chat),
	SC_END
};

static const struct sc_iq iq[] = {
	{ .types = SC_IQ_GET, .at = SC_AT_ACCOUNT, .ns = NS_TALLY, .name = "tally", .fn = tell },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ .at = SC_AT_ACCOUNT, .var = NS_TALLY },
	{ 0 }
};

SC_MODULE(tally,
	.summary = "Counts the chats that an account sends.",
	.hooks = hooks,
	.iq = iq,
	.features = features,
	.slots = SC_SLOTS(&tally_slot),
	.counters = SC_COUNTERS(&tally_counted),
	.conf = conf,
	.conf_size = sizeof(struct tally_conf),
	.statements = tally_statements
);
