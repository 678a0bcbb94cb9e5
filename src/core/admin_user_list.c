/* SPDX-License-Identifier: MIT */
/* admin_user_list: `user show` and `user list`. */
#include "config.h"

#include <stonechat/log.h>
#include "core/admin.sql.h"
#include "core/admin_core.h"
#include "core/entity.h"
#include "core/shard.h"

#define PAGE 1000
#define PAGE_MAX 100000

/* --- user show --- */

static void
shown(void *arg, const struct sc_rows *rows)
{
	struct sc_command *c = arg;
	const struct sc_jid *jid = sc_command_jid(c);
	struct sc_arena *a = sc_command_arena(c);
	struct sc_entity *e = entity_peek(jid);

	if (admin_db_failed(&c, rows))
		return;
	if (sc_rows_count(rows) == 0) {
		admin_fail(&c, "there is no account %s", jid->text);
		return;
	}
	sc_command_fact(c, "jid", jid->text);
	sc_command_fact_int(c, "id", sc_row_int(rows, 0, 0));
	sc_command_fact(c, "created", admin_time(a, sc_row_int(rows, 0, 1)));
	sc_command_fact(c, "last_seen", admin_time(a, sc_row_int(rows, 0, 2)));
	sc_command_fact(c, "state", sc_row_int(rows, 0, 3) ? "disabled" : "enabled");
	sc_command_fact(c, "verifiers", sc_format(a, "%s%s%s",
		sc_row_int(rows, 0, 4) ? "SHA-1 " : "",
		sc_row_int(rows, 0, 5) ? "SHA-256 " : "", sc_row_int(rows, 0, 6) ? "SHA-512" : ""));
	sc_command_fact_int(c, "sessions", e != NULL ? e->n_sessions : 0);
	sc_command_done(&c);
}

static void
user_show(struct sc_command *c)
{
	struct sc_host *host = admin_account_host(&c);

	if (host == NULL)
		return;
	store_run(shard.store, &sql_admin_show, SC_ARGS(sc_int(sc_host_id(host)),
		sc_text_span(sc_jid_local(sc_command_jid(c)))), shown, c);
}

/* --- user list --- */

static uint64_t
limit_of(const struct sc_command *c)
{
	const char *said = sc_command_option(c, "limit");
	uint64_t n = PAGE;

	return said == NULL ? PAGE : sc_read_number(said, PAGE_MAX, &n) ? n : 0;
}

static void
listed(void *arg, const struct sc_rows *rows)
{
	struct sc_command *c = arg;
	struct sc_arena *a = sc_command_arena(c);
	int n = sc_rows_count(rows);

	if (admin_db_failed(&c, rows))
		return;
	sc_command_columns(c, (const char *const[]){ "jid", "created", "last_seen",
		"state", NULL });
	for (int i = 0; i < n; i++) {
		struct sc_span jid = sc_row_text(rows, i, 0);

		sc_command_row(c, (const char *const[]){ sc_copy_n(a, jid.p, jid.n),
			admin_time(a, sc_row_int(rows, i, 1)),
			admin_time(a, sc_row_int(rows, i, 2)), sc_row_int(rows, i, 3) ? "disabled"
			: "enabled" });
	}
	if ((uint64_t)n == limit_of(c))
		sc_command_text(c, sc_format(a, "There may be more: user list … --after %s",
			sc_row_text(rows, n - 1, 0).p));
	sc_command_done(&c);
}

static void
user_list(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	const char *named = sc_command_arg(c, 0), *after = sc_command_option(c, "after");
	const struct sc_jid *from = after != NULL ? sc_jid(a, after) : NULL;
	struct sc_span empty = { "", 0 };
	struct sc_host *host = NULL;

	if (named != NULL && (host = sc_host_find(sc_span(named))) == NULL) {
		admin_fail(&c, "%s is not a host of this server", named);
		return;
	}
	if (limit_of(c) == 0 || (after != NULL && from == NULL)) {
		admin_fail(&c, "--limit takes a number up to %d, --after the last JID of the "
			"page before", PAGE_MAX);
		return;
	}
	store_run(shard.store, &sql_admin_list, SC_ARGS(sc_int(host != NULL ? sc_host_id(host) : 0),
		sc_text_span(from != NULL ? sc_jid_domain(from) : empty),
		sc_text_span(from != NULL ? sc_jid_local(from) : empty),
		sc_int((int64_t)limit_of(c))), listed, c);
}

const struct sc_command_row admin_user_list_rows[] = {
	{ .words = "user show", .args = "JID", .where = SC_ON_JID, .min_args = 1, .max_args = 1,
		.fn = user_show,
		.help = "What is known of an account." },
	{ .words = "user list", .args = "[HOST] [--after JID] [--limit N]", .where = SC_ON_ANY,
		.max_args = 1, .fn = user_list,
		.help = "Lists accounts, a thousand at a time." },
	{ .words = NULL }
};
