/* SPDX-License-Identifier: MIT */
/* admin_core: puts the built-in commands into the table, and what they have in common. */
#include "config.h"

#include <stonechat/log.h>
#include "core/admin.sql.h"
#include "core/admin_core.h"
#include "core/entity.h"
#include "core/route.h"
#include "core/session.h"
#include "core/shard.h"
#include "plugin/conf.h"
#include "plugin/hook.h"

static int section;

static const struct sc_key keys[] = {
	SC_CONF_TIME(struct accounts_conf, rest, "30d", 0, 3650LL * 86400000,
		"How long the name of a deleted account is not given out again, so that nobody "
		"gets its mail and its rights."),
	SC_CONF_END
};

static void
add(const struct sc_command_row *rows)
{
	char error[200];
	bool added = admin_register("", rows, sizeof *rows, error, sizeof error);

	sc_assert(added);
}

void
admin_builtin(void)
{
	json_object_seed(0);
	admin_home_of = home_of;
	section = conf_section("accounts", keys, sizeof keys[0], sizeof(struct accounts_conf),
		false);
	store_register(admin_statements, sizeof admin_statements / sizeof *admin_statements - 1);
	add(admin_help_rows);
	add(admin_status_rows);
	add(admin_user_rows);
	add(admin_user_state_rows);
	add(admin_user_list_rows);
	add(admin_import_rows);
	add(admin_session_rows);
	add(admin_module_rows);
	add(admin_conf_rows);
	add(admin_db_rows);
	add(admin_watch_rows);
	add(admin_check_rows);
#ifdef ENABLE_TEST_HOOKS
	add(admin_test_rows);
#endif
}

const struct accounts_conf *
accounts_conf(void)
{
	return conf_get(conf_now(), section, -1);
}

unsigned
admin_iterations(void)
{
	int64_t n;

	return conf_find_number(conf_now(), "c2s", "iterations", &n) ? (unsigned)n
		: VERIFIER_ITERATIONS;
}

/* --- answers --- */

void
admin_fail(struct sc_command **taken, const char *fmt, ...)
{
	va_list ap;
	char *sentence;

	va_start(ap, fmt);
	sentence = sc_format_v(sc_command_arena(*taken), fmt, ap);
	va_end(ap);
	sc_command_fail(taken, sentence);
}

void
admin_code(struct sc_command *c, int code)
{
	c->code = code;
}

bool
admin_db_failed(struct sc_command **taken, const struct sc_rows *rows)
{
	switch (sc_rows_status(rows)) {
	case SC_DB_OK:
		return false;
	case SC_DB_BUSY:
		sc_command_fail(taken, "the database is away or has too much to do; nothing "
			"was changed");
		return true;
	case SC_DB_UNCERTAIN:
		sc_command_fail(taken, "the database went away meanwhile; whether it was done "
			"is unknown");
		return true;
	default:
		admin_fail(taken, "the database refused (SQLSTATE %s); nothing was changed",
			sc_rows_state(rows));
		return true;
	}
}

const char *
admin_time(struct sc_arena *a, int64_t wall_us)
{
	/* Whole seconds: people read it. */
	return wall_us == 0 ? "never" : sc_timestamp(a, wall_us - wall_us % 1000000);
}

/* --- accounts --- */

struct sc_host *
admin_account_host(struct sc_command **taken)
{
	const struct sc_jid *jid = sc_command_jid(*taken);
	struct sc_host *host = sc_host_find(sc_jid_domain(jid));

	if (sc_jid_is_domain(jid) || !sc_jid_is_bare(jid)) {
		admin_fail(taken, "`%s' is not the address of an account; that looks like "
			"user@host", jid->text);
		return NULL;
	}
	if (host == NULL)
		admin_fail(taken, "%.*s is not a host of this server", (int)sc_jid_domain(jid).n,
			sc_jid_domain(jid).p);
	return host;
}

void
admin_account_made(struct sc_host *host, const struct sc_jid *jid, int64_t id)
{
	struct sc_ev_account_name ev = { jid, id };

	entity_forget_absent(jid);
	hook_fire(SC_EV_account_created, host, NULL, NULL, &ev);
}

int
admin_close_sessions(const struct sc_jid *jid, const char *condition, const char *text)
{
	struct sc_entity *e = entity_peek(jid);
	int n = 0;

	if (e == NULL)
		return 0;
	/* Ending one may end another by a hook, so the list is read anew each time; those that are
	 * only ending are passed over. */
	entity_ref(e);
	list_each(&e->sessions, it, tmp) {
		struct sc_session *s = container_of(it, struct sc_session, link);

		if (s->ending)
			continue;
		sc_session_close(s, condition, text);
		n++;
	}
	/* Now they leave: whoever deletes the account wants their contacts to have heard of it. */
	route_run();
	entity_unref(e);
	return n;
}
