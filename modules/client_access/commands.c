/* SPDX-License-Identifier: MIT */
/* commands: client list, client revoke. */
#include "client_access/client_access.h"

/* --- list --- */

static const char *
logs_in_by(const struct client *c)
{
	return c->password && c->fast ? "password, token" : c->password ? "password" : c->fast
		? "token" : NULL;
}

static void
listed(void *arg, const struct sc_rows *rows)
{
	static const char *const columns[] = { "id", "software", "device", "first seen",
		"last seen", "connected", "by", NULL };
	struct sc_command *cmd = arg;
	struct sc_arena *arena = sc_command_arena(cmd);
	struct client *all;
	int n;

	if (!sc_command_went_well(cmd, rows))
		return;
	all = clients_of(arena, rows, sc_entity_find(sc_command_jid(cmd)), &n);
	sc_command_columns(cmd, columns);
	for (int i = 0; i < n; i++)
		sc_command_row(cmd, (const char *const[]){ all[i].id, all[i].software,
			all[i].device,
			sc_timestamp(arena, all[i].first_seen),
			sc_timestamp(arena, all[i].last_seen), all[i].connected ? "yes" : "no",
			logs_in_by(&all[i]) });
	sc_command_done(&cmd);
}

static void
list_found(struct sc_command *cmd, int64_t account)
{
	sc_db_run(client_sql.list, SC_ARGS(sc_int(account), sc_int(sc_now())), listed, cmd);
}

static void
list(struct sc_command *cmd)
{
	sc_command_account(cmd, list_found);
}

/* --- revoke --- */

static void
say_done(struct sc_command *cmd, int clients, int closed, bool knows_password)
{
	struct sc_arena *arena = sc_command_arena(cmd);

	sc_command_text(cmd, sc_format(arena, "Clients whose access was taken away: %d; sessions "
		"closed: %d.", clients, closed));
	if (knows_password)
		sc_command_text(cmd, sc_format(arena, "The password is known to them: user "
			"passwd %s", sc_command_jid(cmd)->text));
	sc_command_done(&cmd);
}

static void
revoked(void *arg, const struct sc_rows *rows)
{
	struct sc_command *cmd = arg;
	struct sc_entity *account = sc_entity_find(sc_command_jid(cmd));
	bool all = sc_command_arg(cmd, 1) == NULL, knows = false;
	int closed = all ? clients_close(account, NULL, NULL) : 0;

	if (!sc_command_went_well(cmd, rows))
		return;
	if (!all && sc_rows_count(rows) == 0) {
		sc_command_fail(&cmd, sc_format(sc_command_arena(cmd), "There is no client %s.",
			sc_command_arg(cmd, 1)));
		return;
	}
	for (int i = 0; i < sc_rows_count(rows); i++) {
		knows = knows || sc_row_int(rows, i, 1) != 0;
		if (!all)
			closed += clients_close(account, sc_row_text(rows, i, 0).p, NULL);
	}
	say_done(cmd, sc_rows_count(rows), closed, knows || closed > 0);
}

static void
revoke_found(struct sc_command *cmd, int64_t account)
{
	sc_db_run(client_sql.revoke, SC_ARGS(sc_int(account), sc_text(sc_command_arg(cmd, 1))),
		revoked, cmd);
}

static void
revoke(struct sc_command *cmd)
{
	const char *id = sc_command_arg(cmd, 1);
	struct sc_session *s = id != NULL ? client_session(sc_entity_find(sc_command_jid(cmd)),
		id) : NULL;

	if (s == NULL) {
		sc_command_account(cmd, revoke_found);
		return;
	}
	sc_session_close(s, CLIENTS_WHY);
	say_done(cmd, 1, 1, true);
}

const struct sc_command_row client_commands[] = {
	{ .words = "client list", .args = "JID", .where = SC_ON_JID, .min_args = 1, .max_args = 1,
		.fn = list,
		.help = "Lists the clients that have access to an account, and how they log in." },
	{ .words = "client revoke", .args = "JID [ID]", .where = SC_ON_JID, .min_args = 1,
		.max_args = 2, .fn = revoke,
		.help = "Takes back the tokens of one client, or of all, and closes their "
		"sessions." },
	{ .words = NULL }
};
