/* SPDX-License-Identifier: MIT */
/* commands: archive show, archive purge. They never show what is in a message. */
#include "archive/archive.h"

#define SHOWN 100
#define SHOWN_MAX 100000

static const char *
leaves(struct sc_arena *arena, int64_t expires)
{
	return expires == NEVER ? "never" : sc_timestamp(arena, expires);
}

static void
show_row(struct sc_command *cmd, const struct sc_rows *rows, int i)
{
	struct sc_arena *arena = sc_command_arena(cmd);
	struct sc_span peer = sc_row_text(rows, i, 3), resource = sc_row_text(rows, i, 4);

	sc_command_row(cmd, (const char *const[]){
		sc_timestamp(arena, sc_row_int(rows, i, 0)),
		sc_archive_id_of(arena, sc_row_int(rows, i, 0), sc_row_text(rows, i, 1)),
		sc_row_int(rows, i, 2) ? "to" : "from",
		resource.n > 0 ? sc_format(arena, "%s/%s", peer.p, resource.p) : peer.p,
		sc_format(arena, "%lld", (long long)sc_row_int(rows, i, 5)),
		leaves(arena, sc_row_int(rows, i, 6)) });
}

static void
show_rows(void *arg, const struct sc_rows *rows)
{
	static const char *const columns[] = { "when", "id", "", "whom", "bytes", "expires", NULL };
	struct sc_command *cmd = arg;

	if (!sc_command_went_well(cmd, rows))
		return;
	sc_command_columns(cmd, columns);
	for (int i = 0; i < sc_rows_count(rows); i++)
		show_row(cmd, rows, i);
	sc_command_done(&cmd);
}

static void
show_account(struct sc_command *cmd, int64_t account)
{
	const char *limit = sc_command_option(cmd, "limit");
	uint64_t n = SHOWN;

	if (limit != NULL && !sc_read_number(limit, SHOWN_MAX, &n)) {
		sc_command_fail(&cmd, "--limit must be a number up to 100000.");
		return;
	}
	sc_db_run(archive_sql.list, SC_ARGS(sc_int(account), sc_int(sc_now()),
		sc_int((int64_t)n)), show_rows, cmd);
}

void
command_show(struct sc_command *cmd)
{
	sc_command_account(cmd, show_account);
}

static void
purging(void *arg, const struct sc_rows *rows)
{
	struct sc_command *cmd = arg;
	struct sc_entity *account = sc_entity_find(sc_command_jid(cmd));

	if (!sc_command_went_well(cmd, rows))
		return;
	if (account != NULL)
		archive_hide(archive_of(account), sc_row_int(rows, 0, 0));
	sc_log(NULL, SC_LOG_INFO, "archive.purged", "account=%s", sc_command_jid(cmd)->text);
	sc_command_text(cmd, "What was kept until now is no longer shown, and is being deleted.");
	sc_command_done(&cmd);
	months_bite_soon();
}

static void
purge_account(struct sc_command *cmd, int64_t account)
{
	sc_db_run(archive_sql.purge, SC_ARGS(sc_int(account), sc_int(sc_now())), purging, cmd);
}

void
command_purge(struct sc_command *cmd)
{
	sc_command_account(cmd, purge_account);
}
