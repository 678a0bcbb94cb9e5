/* SPDX-License-Identifier: MIT */
/*
 * last_activity: how long an account has been away and what it said when it left, and how long the
 * server has been up (XEP-0012). Who may know is a setting; whoever may not hears what he would
 * hear of an account that does not exist.
 */
#include "last_activity/seen.h"
#include "last_activity/last_activity.sql.h"

#define NS_LAST "jabber:iq:last"
#define WRITE_EVERY_MS 20000

enum who { NOBODY, CONTACTS, EVERYONE };

struct last_activity_conf {
	int last_seen;          /* enum who */
};

static const struct sc_key conf[] = {
	SC_CONF_ENUM(struct last_activity_conf, last_seen, "contacts", "nobody contacts everyone",
		"Who besides the owner may ask when an account was last online; "
		"contacts are those who may see its presence."),
	SC_CONF_END
};

static SC_SLOT(account_slot, SC_SLOT_ENTITY, struct seen, seen_fini);
static SC_SLOT(shard_slot, SC_SLOT_SHARD, struct seen_shard, NULL);
const struct sc_slot *const seen_slot = &account_slot, *const seen_shard_slot = &shard_slot;

static enum sc_verdict
answer(struct sc_ctx *ctx, int64_t since_us, const char *status)
{
	struct sc_stanza *result = sc_result(ctx);
	struct sc_elem *query = sc_add(result, sc_stanza_root(result), NS_LAST, "query");
	int64_t seconds = since_us > 0 ? since_us / 1000000 : 0;

	sc_set_attr(result, query, "seconds", sc_format(sc_arena(ctx), "%lld", (long long)seconds));
	if (status != NULL)
		sc_add_text(result, query, status);
	return sc_answer(ctx, &result);
}

static enum sc_verdict
answer_for_server(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	const struct seen_shard *shard = sc_shard_slot(&shard_slot);

	(void)asked;
	return answer(ctx, sc_mono() - shard->started, NULL);
}

static bool
may_ask(struct sc_ctx *ctx)
{
	const struct last_activity_conf *c = sc_conf(ctx);
	const struct sc_jid *by = sc_from(sc_stanza(ctx));

	if (sc_by_owner(ctx) || c->last_seen == EVERYONE)
		return true;
	return c->last_seen == CONTACTS && (sc_contact(sc_entity(ctx), by) & SC_SUB_FROM) != 0;
}

static bool
is_available(struct sc_entity *account)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (sc_session_available(s))
			return true;
	return false;
}

static enum sc_verdict
stored_last(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	switch (sc_rows_status(rows)) {
	case SC_DB_OK:
		if (sc_rows_count(rows) == 0 || sc_row_null(rows, 0, 0))        /* never seen */
			return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
		return answer(ctx, sc_now() - sc_row_int(rows, 0, 0), sc_row_text(rows, 0, 1).p);
	case SC_DB_BUSY:
		return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT, NULL);
	default:
		return sc_refuse(ctx, SC_COND_INTERNAL, NULL);
	}
}

static enum sc_verdict
answer_for_account(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	struct sc_entity *account = sc_entity(ctx);
	const struct seen *s = sc_entity_slot_peek(account, &account_slot);

	(void)asked;
	if (!may_ask(ctx))
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	if (is_available(account))
		return answer(ctx, 0, NULL);
	if (s != NULL && s->at != 0)
		return answer(ctx, sc_now() - s->at, s->status);
	return sc_db_detach(ctx, &sql_last_activity_read, SC_ARGS(sc_int(sc_entity_id(account))),
		stored_last);
}

/* The login counts too, so that after a crash an account was not last seen before its last session
 * began. */
static void
note_presence(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	const struct sc_elem *status = NULL;
	const char *text = NULL;

	if (ev->is_available == ev->was_available)
		return;
	if (!ev->is_available && ev->presence != NULL)
		status = sc_find(ev->presence, SC_NS_CONTENT, "status");
	if (status != NULL)
		text = sc_text_in(sc_arena(ctx), status);
	seen_now(sc_session_account(ev->session), text);
}

static void
write_now_and_then(void *arg)
{
	seen_write(&sql_last_activity_write);
	sc_timer(WRITE_EVERY_MS, write_now_and_then, arg);
}

static void
start(struct sc_ctx *ctx)
{
	struct seen_shard *shard = sc_shard_slot(&shard_slot);

	(void)ctx;
	shard->started = sc_mono();
	sc_timer(WRITE_EVERY_MS, write_now_and_then, NULL);
}

static void
stop(struct sc_ctx *ctx)
{
	(void)ctx;
	seen_write(&sql_last_activity_write);
}

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_SERVER, NS_LAST, "query", answer_for_server },
	{ SC_IQ_GET, SC_AT_ACCOUNT | SC_OPEN, NS_LAST, "query", answer_for_account },
	{ 0 }
};

static const struct sc_hook hooks[] = {
	SC_SEE(session_presence, note_presence),
	SC_END
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER | SC_AT_ACCOUNT, NS_LAST },
	{ 0 }
};

SC_MODULE(last_activity,
	.summary = "Tells how long an account has been away.",
	.implements = SC_LIST("XEP-0012 2.0"),
	.iq = iq,
	.hooks = hooks,
	.features = features,
	.slots = SC_SLOTS(&account_slot, &shard_slot),
	.conf = conf,
	.conf_size = sizeof(struct last_activity_conf),
	.statements = last_activity_statements,
	.shard_start = start,
	.shard_stop = stop
);
