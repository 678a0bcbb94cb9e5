/* SPDX-License-Identifier: MIT */
/* archive: keeps what people write, so that all their devices find it (XEP-0313). archive.h says
 * which file does what. */
#include <stdio.h>
#include "archive/archive.h"
#include "archive/archive.sql.h"

static const struct sc_key conf[] = {
	SC_CONF_TIME_OR(struct archive_conf, retention, "30d", INT64_C(86400) * 1000,
		INT64_C(3650) * 86400 * 1000, "off forever", "How long a message is kept."),
	SC_CONF_ENUM(struct archive_conf, standard, "always", "always roster never",
		"What is kept for accounts that have not chosen."),
	SC_CONF_INT(struct archive_conf, page_standard, "50", 1, 1000,
		"Messages in a page when the client does not say."),
	SC_CONF_INT(struct archive_conf, page_max, "100", 1, 1000,
		"Messages in a page at most."),
	SC_CONF_SIZE(struct archive_conf, page_bytes, "1MiB", 4096, 1 << 26,
		"Bytes of messages in a page at most, after the first message."),
	SC_CONF_INT(struct archive_conf, prefs_max, "1000", 0, 10000,
		"JIDs in each list of an account's preferences."),
	SC_CONF_END
};

const struct archive_sql archive_sql = {
	.add = &sql_archive_add, .fence = &sql_archive_fence, .page = &sql_archive_page,
	.page_back = &sql_archive_page_back, .page_with = &sql_archive_page_with,
	.page_with_back = &sql_archive_page_with_back, .page_ids = &sql_archive_page_ids,
	.count = &sql_archive_count, .load = &sql_archive_load,
	.prefs_set = &sql_archive_prefs_set, .find = &sql_archive_find,
	.replace = &sql_archive_replace, .make_months = &sql_archive_make_months,
	.drop_month = &sql_archive_drop_month, .purge = &sql_archive_purge,
	.bite = &sql_archive_bite, .list = &sql_archive_list,
	.size = &sql_archive_size,
};

static SC_COUNTER(archive_kept, "Messages written to an archive");
static SC_COUNTER(archive_holes, "Messages that an archive lacks because it could not be written");
static SC_COUNTER(archive_pages, "Pages of archives that were read");
static SC_COUNTER(archive_results, "Messages of archives that were given out");
static SC_COUNTER(archive_tombstones, "Messages replaced by a tombstone");
static SC_COUNTER(archive_prefs_full, "Preferences refused because they had too many JIDs");
static SC_COUNTER(archive_dropped, "Months of expired messages that were dropped");

const struct archive_counters archive_counters = {
	.kept = &archive_kept, .holes = &archive_holes, .pages = &archive_pages,
	.results = &archive_results, .tombstones = &archive_tombstones,
	.prefs_full = &archive_prefs_full, .dropped = &archive_dropped,
};

static void
archive_fini(void *slot)
{
	struct archive *a = slot;

	sc_assert(a->under_way == 0);   /* what is written holds the account */
	prefs_free(&a->prefs);
}

static SC_SLOT(account_slot, SC_SLOT_ENTITY, struct archive, archive_fini);
static SC_SLOT(shard_slot, SC_SLOT_SHARD, struct archive_shard, NULL);
const struct sc_slot *const archive_shard_slot = &shard_slot;

struct archive *
archive_of(struct sc_entity *account)
{
	return sc_entity_slot(account, &account_slot);
}

static void
place_set(struct place *p, int64_t at, const char *tail)
{
	p->at = at;
	snprintf(p->tail, sizeof p->tail, "%s", tail);
}

void
archive_comes(struct archive *a, int64_t at, const char *tail)
{
	a->under_way++;
	if (a->first.at == 0)
		place_set(&a->first, at, tail);
	place_set(&a->last, at, tail);
}

void
archive_hide(struct archive *a, int64_t at)
{
	a->hidden = at;
	if (a->first.at > at)
		return;
	a->ends_known = a->last.at <= at;       /* then there is nothing */
	a->first.at = a->last.at = 0;
}

const struct archive_conf *
archive_conf_of(const struct sc_host *host)
{
	return sc_conf_of(&sc_module_archive, host);
}

bool
archive_is_on(const struct sc_host *host)
{
	return archive_conf_of(host)->retention != RETENTION_OFF;
}

int64_t
archive_oldest(const struct sc_host *host, int64_t now)
{
	int64_t ms = archive_conf_of(host)->retention;

	return ms < 0 ? 0 : now - ms * 1000;
}

/* Where there is no archive nobody is told of one. */
static void
add_features(struct sc_ctx *ctx, struct sc_ev_disco *ev)
{
	unsigned at = sc_disco_at(ev->disco);

	if (sc_disco_node(ev->disco) != NULL || !archive_is_on(sc_host(ctx)))
		return;
	if (at == SC_AT_ACCOUNT) {
		sc_disco_add_feature(ev->disco, NS_MAM);
		sc_disco_add_feature(ev->disco, NS_MAM_EXTENDED);
		sc_disco_add_feature(ev->disco, NS_MAM_GROUPCHAT);
		sc_disco_add_feature(ev->disco, SC_NS_RSM);
	}
	if (at == SC_AT_ACCOUNT || at == SC_AT_SERVER) {
		sc_disco_add_feature(ev->disco, NS_RETRACT);
		sc_disco_add_feature(ev->disco, NS_TOMBSTONES);
	}
}

static const struct sc_hook hooks[] = {
	SC_ON(account_loading, STORE, load_account),
	SC_ON(from_client, STORE, keep_sent),
	SC_ON(from_client, DELIVERY, keep_hide_id),
	SC_ON(to_user, STORE, keep_received),
	SC_SEE(account_deleted, months_account_deleted),
	SC_SEE(disco_info, add_features),
	SC_SEE(bound_inline, metadata_at_bind),
	SC_END
};

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_ACCOUNT, NS_MAM, "query", query_form },
	{ SC_IQ_SET, SC_AT_ACCOUNT, NS_MAM, "query", page_of_account },
	{ SC_IQ_GET, SC_AT_ACCOUNT, NS_MAM, "metadata", metadata_of_account },
	{ SC_IQ_GET, SC_AT_ACCOUNT, NS_MAM, "prefs", prefs_get },
	{ SC_IQ_SET, SC_AT_ACCOUNT, NS_MAM, "prefs", prefs_set },
	{ 0 }
};

static const struct sc_command_row commands[] = {
	{ .words = "archive show", .args = "JID [--limit N]", .where = SC_ON_JID, .min_args = 1,
		.max_args = 1, .fn = command_show,
		.help = "Lists the newest messages in an account's archive, without their text." },
	{ .words = "archive purge", .args = "JID", .where = SC_ON_JID, .min_args = 1,
		.max_args = 1, .fn = command_purge,
		.help = "Deletes what is in an account's archive." },
	{ 0 }
};

SC_MODULE(archive,
	.summary = "Keeps what people write, for all their devices.",
	.implements = SC_LIST("XEP-0313 1.1.3", "XEP-0059 1.0", "XEP-0334 1.0.0",
		"XEP-0424 0.4.2", "XEP-0441 0.2.0"),
	.needs = SC_LIST("stanza_id"),
	.hooks = hooks,
	.iq = iq,
	.slots = SC_SLOTS(&account_slot, &shard_slot),
	.counters = SC_COUNTERS(&archive_kept, &archive_holes, &archive_pages, &archive_results,
		&archive_tombstones, &archive_prefs_full, &archive_dropped),
	.conf = conf,
	.conf_size = sizeof(struct archive_conf),
	.statements = archive_statements,
	.commands = commands,
	.shard_start = months_start
);
