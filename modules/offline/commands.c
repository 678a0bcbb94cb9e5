/* SPDX-License-Identifier: MIT */
/* commands: spool show, spool purge. They never show what is in a message. */
#include "offline/spool.h"

#define SHOWN 100
#define SHOWN_MAX 100000

static void
show_rows(void *arg, const struct sc_rows *rows)
{
	static const char *const columns[] = {
		"stored", "from", "id", "bytes", "expires", "state", NULL
	};
	struct sc_command *cmd = arg;
	struct sc_arena *arena = sc_command_arena(cmd);

	if (!sc_command_went_well(cmd, rows))
		return;
	sc_command_columns(cmd, columns);
	for (int i = 0; i < sc_rows_count(rows); i++)
		sc_command_row(cmd, (const char *const[]){
			sc_timestamp(arena, sc_row_int(rows, i, 0)),
			sc_row_text(rows, i, 1).p, sc_row_text(rows, i, 2).p,
			sc_format(arena, "%lld", (long long)sc_row_int(rows, i, 3)),
			sc_timestamp(arena, sc_row_int(rows, i, 4)),
			sc_row_int(rows, i, 5) ? "unreadable" : "waiting" });
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
	sc_db_run(spool_sql.list, SC_ARGS(sc_int(account), sc_int((int64_t)n)),
		show_rows, cmd);
}

void
command_show(struct sc_command *cmd)
{
	sc_command_account(cmd, show_account);
}

static void
purged(void *arg, const struct sc_rows *rows)
{
	struct sc_command *cmd = arg;
	int64_t n;

	if (!sc_command_went_well(cmd, rows))
		return;
	n = sc_rows_affected(rows);
	spool_shard()->purges++;
	sc_log(NULL, SC_LOG_INFO, "spool.purged", "account=%s messages=%lld",
		sc_command_jid(cmd)->text, (long long)n);
	sc_command_text(cmd, sc_format(sc_command_arena(cmd), "%lld message%s deleted.",
		(long long)n, n == 1 ? "" : "s"));
	sc_command_done(&cmd);
}

static void
purge_account(struct sc_command *cmd, int64_t account)
{
	sc_db_run(spool_sql.purge, SC_ARGS(sc_int(account)), purged, cmd);
}

void
command_purge(struct sc_command *cmd)
{
	sc_command_account(cmd, purge_account);
}
