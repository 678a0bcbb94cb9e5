/* SPDX-License-Identifier: MIT */
/* admin_user_state: `user delete`, `user disable`, `user enable`. Sessions that may not go on are
 * ended. */
#include "config.h"

#include <stonechat/log.h>
#include "base/clock.h"
#include "core/admin.sql.h"
#include "core/admin_core.h"
#include "core/entity.h"
#include "core/shard.h"
#include "plugin/hook.h"

/* What is in memory of the account must not outlive it: a new one may get the name. */
static void
forget(struct sc_host *host, const struct sc_jid *jid, int64_t id)
{
	struct sc_ev_account_name ev = { jid, id };
	struct sc_entity *e = entity_peek(jid);

	if (e == NULL || e->state != ENTITY_READY) {
		entity_forget_absent(jid);
		hook_fire(SC_EV_account_deleted, host, NULL, NULL, &ev);
		return;
	}
	entity_ref(e);
	hook_fire(SC_EV_account_deleted, host, e, NULL, &ev);
	e->state = ENTITY_ABSENT;
	e->known_at = clock_mono();
	/* Somebody who still waits in a hook may have pointers into the slots; then the loading
	 * hooks of a new account replace them. */
	if (e->refs == 1)
		slots_free(&e->slots, SC_SLOT_ENTITY);
	entity_unref(e);
}

static void
deleted(void *arg, const struct sc_rows *rows)
{
	struct sc_command *c = arg;
	const struct sc_jid *jid = sc_command_jid(c);
	struct sc_host *host;
	int closed;

	if (admin_db_failed(&c, rows))
		return;
	if (sc_rows_count(rows) == 0) {
		admin_fail(&c, "there is no account %s", jid->text);
		return;
	}
	closed = admin_close_sessions(jid, "not-authorized", "The account was deleted.");
	host = sc_host_find(sc_jid_domain(jid));
	if (host != NULL)
		forget(host, jid, sc_row_int(rows, 0, 0));
	sc_command_text(c, sc_format(sc_command_arena(c),
		"The account %s was deleted; sessions closed: %d. The name rests until %s.",
		jid->text, closed, admin_time(sc_command_arena(c), clock_wall() +
		accounts_conf()->rest * 1000)));
	sc_command_done(&c);
}

static void
user_delete(struct sc_command *c)
{
	struct sc_host *host = admin_account_host(&c);

	if (host == NULL)
		return;
	store_run(shard.store, &sql_admin_delete, SC_ARGS(sc_int(sc_host_id(host)),
		sc_text_span(sc_jid_local(sc_command_jid(c))),
		sc_int(clock_wall() + accounts_conf()->rest * 1000)), deleted, c);
}

static void
switched(struct sc_command *c, const struct sc_rows *rows, bool disabled)
{
	const struct sc_jid *jid = sc_command_jid(c);
	struct sc_entity *e = entity_peek(jid);
	int closed = 0;

	if (admin_db_failed(&c, rows))
		return;
	if (sc_rows_count(rows) == 0) {
		admin_fail(&c, "there is no account %s", jid->text);
		return;
	}
	entity_forget_absent(jid);
	if (e != NULL)
		e->disabled = disabled;
	if (disabled)
		closed = admin_close_sessions(jid, "not-authorized", "The account was disabled.");
	if (disabled)
		sc_command_text(c, sc_format(sc_command_arena(c),
			"The account %s was disabled; sessions closed: %d.", jid->text, closed));
	else
		sc_command_text(c, sc_format(sc_command_arena(c), "The account %s was enabled.",
			jid->text));
	sc_command_done(&c);
}

static void
disabled(void *arg, const struct sc_rows *rows)
{
	switched(arg, rows, true);
}

static void
enabled(void *arg, const struct sc_rows *rows)
{
	switched(arg, rows, false);
}

static void
set_disabled(struct sc_command *c, bool off)
{
	struct sc_host *host = admin_account_host(&c);

	if (host == NULL)
		return;
	store_run(shard.store, &sql_admin_disable, SC_ARGS(sc_int(sc_host_id(host)),
		sc_text_span(sc_jid_local(sc_command_jid(c))),
		sc_int(off)), off ? disabled : enabled, c);
}

static void
user_disable(struct sc_command *c)
{
	set_disabled(c, true);
}

static void
user_enable(struct sc_command *c)
{
	set_disabled(c, false);
}

const struct sc_command_row admin_user_state_rows[] = {
	{ .words = "user delete", .args = "JID", .where = SC_ON_JID, .min_args = 1, .max_args = 1,
		.fn = user_delete,
		.help = "Deletes an account, its sessions and its data. The name is not given out "
		"again for a time (accounts.rest)." },
	{ .words = "user disable", .args = "JID", .where = SC_ON_JID, .min_args = 1, .max_args = 1,
		.fn = user_disable,
		.help = "Ends the account's sessions and lets nobody log in; messages are kept." },
	{ .words = "user enable", .args = "JID", .where = SC_ON_JID, .min_args = 1, .max_args = 1,
		.fn = user_enable,
		.help = "Lets a disabled account log in again." },
	{ .words = NULL }
};
