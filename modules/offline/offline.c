/* SPDX-License-Identifier: MIT */
/* offline: keeps messages for people who are away, and gives them when they come (XEP-0160).
 * spool.h says which file does what. */
#include "offline/forged.h"
#include "offline/offline.sql.h"
#include "offline/spool.h"

static const struct sc_key conf[] = {
	SC_CONF_INT(struct offline_conf, max_messages, "10000", 1, 10000000,
		"Messages kept for one account; more are refused."),
	SC_CONF_SIZE(struct offline_conf, max_bytes, "64MiB", 1, INT64_MAX,
		"Bytes of messages kept for one account; more are refused."),
	SC_CONF_TIME(struct offline_conf, expiry, "30d", 1000, INT64_C(3650) * 86400 * 1000,
		"How long a message is kept."),
	SC_CONF_END
};

const struct spool_sql spool_sql = {
	.count = &sql_spool_count, .add = &sql_spool_add, .page = &sql_spool_page,
	.remove = &sql_spool_remove, .had = &sql_spool_had, .noted = &sql_spool_noted,
	.orphans = &sql_spool_orphans, .owed = &sql_spool_owed, .give = &sql_spool_give,
	.give_end = &sql_spool_give_end, .distrust = &sql_spool_distrust,
	.give_expire = &sql_spool_give_expire,
	.set_aside = &sql_spool_set_aside, .purge = &sql_spool_purge,
	.expire = &sql_spool_expire, .list = &sql_spool_list,
};

static SC_COUNTER(spool_stored, "Messages stored for somebody who was away");
static SC_COUNTER(spool_delivered, "Stored messages that arrived");
static SC_COUNTER(spool_full, "Messages refused because the recipient's spool was full");
static SC_COUNTER(spool_busy, "Messages refused because the database could not store them");
static SC_COUNTER(spool_expired, "Stored messages deleted because they were too old");
static SC_COUNTER(spool_unreadable, "Stored messages that could not be read");
static SC_COUNTER(spool_not_worth, "Messages without content that nobody was there for");

const struct spool_counters spool_counters = {
	.stored = &spool_stored, .delivered = &spool_delivered, .full = &spool_full,
	.busy = &spool_busy, .expired = &spool_expired, .unreadable = &spool_unreadable,
	.not_worth = &spool_not_worth,
};

static SC_SLOT(account_slot, SC_SLOT_ENTITY, struct spool, NULL);
static SC_SLOT(session_slot, SC_SLOT_SESSION, struct spool_session, NULL);
static SC_SLOT(shard_slot, SC_SLOT_SHARD, struct spool_shard, NULL);

struct spool *
spool_of(struct sc_entity *account)
{
	struct spool *s = sc_entity_slot(account, &account_slot);

	s->account = account;
	return s;
}

struct spool_session *
spool_session(struct sc_session *session)
{
	return sc_session_slot(session, &session_slot);
}

struct spool_shard *
spool_shard(void)
{
	return sc_shard_slot(&shard_slot);
}

static enum sc_verdict
keep_for_later(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	switch (worth_of(ev->stanza)) {
	case WORTH_STORING:
		return keep(ctx);
	case WORTH_NOTHING:
		sc_count(&spool_not_worth, 1);
		return SC_DROPPED;
	case WORTH_AN_ERROR:
		break;
	}
	return SC_PASS;
}

static void
session_comes_or_goes(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	struct spool *s = spool_of(sc_session_account(ev->session));

	(void)ctx;
	if (!ev->is_available || ev->priority < 0)
		drain_stop(s, ev->session);
	drain_look(s);
}

/* Happens whenever a queue is empty: mostly nobody is being served. */
static void
session_has_room(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	struct spool *s = sc_entity_slot_peek(sc_session_account(ev->session), &account_slot);

	(void)ctx;
	if (s != NULL)
		drain_go_on(s);
}

static void
session_falls_asleep(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	(void)ctx;
	drain_pause(spool_of(sc_session_account(ev->session)));
}

static void
session_wakes_up(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	struct spool *s = spool_of(sc_session_account(ev->session));

	(void)ctx;
	drain_go_on(s);
	drain_look(s);
}

static void
session_counts_anew(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	(void)ctx;
	given_anew(spool_of(sc_session_account(ev->session)), ev->session);
}

static void
forget_account(struct sc_ctx *ctx, const struct sc_ev_account_name *ev)
{
	(void)ctx;
	sc_db_run(&sql_spool_purge, SC_ARGS(sc_int(ev->id)), NULL, NULL);
}

static const struct sc_hook hooks[] = {
	SC_ON(from_client, MARK, forged_strip),
	SC_ON(from_remote, MARK, forged_strip),
	SC_ON(to_user, FALLBACK, keep_for_later),
	SC_SEE(session_presence, session_comes_or_goes),
	SC_SEE(session_drained, session_has_room),
	SC_SEE(session_asleep, session_falls_asleep),
	SC_SEE(session_awake, session_wakes_up),
	SC_ON(sessions_restored, STORE, resume_give),
	SC_SEE(session_renumbered, session_counts_anew),
	SC_ON(resume_failed, STORE, resume_had),
	SC_SEE(session_disagreed, resume_distrust),
	SC_SEE(message_owed, owed_keep),
	SC_SEE(message_settled, owed_settle),
	SC_SEE(account_deleted, forget_account),
	SC_END
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER, "msgoffline" },
	{ 0 }
};

static const struct sc_command_row commands[] = {
	{ .words = "spool show", .args = "JID [--limit N]", .where = SC_ON_JID, .min_args = 1,
		.max_args = 1, .fn = command_show,
		.help = "Lists the messages that wait for an account, without their text." },
	{ .words = "spool purge", .args = "JID", .where = SC_ON_JID, .min_args = 1,
		.max_args = 1, .fn = command_purge,
		.help = "Deletes the messages that wait for an account." },
	{ 0 }
};

SC_MODULE(offline,
	.summary = "Keeps messages for people who are away.",
	.implements = SC_LIST("XEP-0160 1.0.1", "XEP-0203 2.0", "XEP-0334 1.0.0"),
	.hooks = hooks,
	.features = features,
	.slots = SC_SLOTS(&account_slot, &session_slot, &shard_slot),
	.counters = SC_COUNTERS(&spool_stored, &spool_delivered, &spool_full, &spool_busy,
		&spool_expired, &spool_unreadable, &spool_not_worth),
	.conf = conf,
	.conf_size = sizeof(struct offline_conf),
	.statements = offline_statements,
	.commands = commands,
	.shard_start = expire_start
);
