/* SPDX-License-Identifier: MIT */
/* admin_account: the account that a command names (stonechat/command.h). */
#include "config.h"

#include <stonechat/command.h>
#include <stonechat/entity.h>
#include "core/accounts.sql.h"

struct search {
	struct sc_command *cmd;
	void (*found)(struct sc_command *, int64_t account);
};

bool
sc_command_went_well(struct sc_command *cmd, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) == SC_DB_OK)
		return true;
	sc_command_fail(&cmd, "The database does not answer.");
	return false;
}

static void
no_account(struct sc_command *cmd)
{
	sc_command_fail(&cmd, sc_format(sc_command_arena(cmd), "There is no account %s.",
		sc_command_jid(cmd)->text));
}

static void
arrived(void *arg, const struct sc_rows *rows)
{
	const struct search *s = arg;

	if (!sc_command_went_well(s->cmd, rows))
		return;
	if (sc_rows_count(rows) == 0)
		no_account(s->cmd);
	else
		s->found(s->cmd, sc_row_int(rows, 0, 0));
}

void
sc_command_account(struct sc_command *cmd, void (*found)(struct sc_command *, int64_t account))
{
	const struct sc_jid *jid = sc_command_jid(cmd);
	const struct sc_host *host = sc_host_find(sc_jid_domain(jid));
	struct search *s;

	if (host == NULL) {
		no_account(cmd);
		return;
	}
	s = sc_alloc(sc_command_arena(cmd), sizeof *s);
	*s = (struct search){ cmd, found };
	sc_db_run(&sql_account_load, SC_ARGS(sc_int(sc_host_id(host)),
		sc_text_span(sc_jid_local(jid))), arrived, s);
}
