/* SPDX-License-Identifier: MIT */
/* admin_status: `status`, `counters`, `stop`: how the server is. */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/budget.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/admin_core.h"
#include "core/server.h"
#include "core/shard.h"
#include "net/loop.h"
#include "plugin/conf.h"
#include "plugin/module.h"

#define MIB (1024 * 1024)

static const char *
state(void)
{
	if (server_facts.draining())
		return "draining";
	return server_facts.not_ready_because() == NULL ? "ready" : "not ready";
}

/* What is being shed, and why (reliability.md §4, Overload). */
static const char *
shedding(struct sc_arena *a)
{
	static const char *const what[] = {
		[BUDGET_CALM] = "nothing", [BUDGET_SHED] = "new work is refused",
		[BUDGET_FULL] = "queues are closed",
	};
	enum budget_level level = budget_level();

	if (level == BUDGET_CALM)
		return what[level];
	return sc_format(a, "%s: %" PRId64 " of %" PRIu64 " MiB in stanzas, %" PRId64
		" in queues, %" PRId64 " in input, %" PRId64 " in mailboxes, %" PRId64
		" for the database", what[level], budget_sum(BUDGET_STANZAS) / MIB,
		budget_limit() / MIB, budget_sum(BUDGET_OUTQ) / MIB,
		budget_sum(BUDGET_INPUT) / MIB, budget_sum(BUDGET_MAILBOX) / MIB,
		budget_sum(BUDGET_DATABASE) / MIB);
}

static const char *
period(struct sc_arena *a, int64_t s)
{
	return sc_format(a, "%lldd %02lld:%02lld:%02lld", (long long)(s / 86400),
		(long long)(s / 3600 % 24), (long long)(s / 60 % 60), (long long)(s % 60));
}

/* The supervisor may have started the private PostgreSQL anew since we began, so its own file is
 * asked. */
pid_t
admin_db_pid(void)
{
	char path[4096], line[32];
	FILE *f;
	long pid = 0;

	if (server_facts.db_pid == 0)
		return 0;
	snprintf(path, sizeof path, "%s/pg/data/postmaster.pid", server_facts.state_dir);
	f = fopen(path, "re");
	if (f != NULL && fgets(line, sizeof line, f) != NULL)
		pid = strtol(line, NULL, 10);
	if (f != NULL)
		fclose(f);
	return pid > 1 && kill((pid_t)pid, 0) == 0 ? (pid_t)pid : 0;
}

/* Once, from shard 0; texts and sums of the whole process. */
static void
tell_whole(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	const char *why_not = server_facts.not_ready_because();

	sc_command_fact(c, "state", state());
	sc_command_fact(c, "ready", why_not == NULL ? "yes" : "no");
	if (why_not != NULL)
		sc_command_fact(c, "not_ready_because", why_not);
	sc_command_fact(c, "version", PACKAGE_VERSION);
	sc_command_fact_int(c, "pid", getpid());
	sc_command_fact_int(c, "supervisor_pid", server_facts.supervisor_pid);
	if (server_facts.db_pid != 0)
		sc_command_fact_int(c, "db_pid", admin_db_pid());
	sc_command_fact(c, "running_for",
		period(a, (clock_wall() - server_facts.started) / 1000000));
	sc_command_fact(c, "configuration", server_facts.conf_file);
	sc_command_fact_int(c, "shards", loop_count());
	sc_command_fact_int(c, "hosts", conf_hosts(conf_now()));
	sc_command_fact_int(c, "modules", module_count());
	sc_command_fact_int(c, "connections", stats_sum(STAT_conns_now));
	sc_command_fact_int(c, "sessions", stats_sum(STAT_sessions_now));
	sc_command_fact_int(c, "messages_in", stats_sum(STAT_messages_in));
	sc_command_fact_int(c, "messages_delivered", stats_sum(STAT_messages_delivered));
	sc_command_fact(c, "memory", sc_format(a, "%" PRId64 " of %" PRIu64 " MiB",
		budget_all() / MIB, budget_limit() / MIB));
	sc_command_fact(c, "shedding", shedding(a));
	sc_command_fact(c, "database", store_ready(shard.store) ? "connected"
		: store_last_error(shard.store));
}

static void
status(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	int sessions = 0;

	if (loop_id() == 0)
		tell_whole(c);
	list_each(&shard.sessions, it, tmp)
		sessions++;
	sc_command_columns(c, (const char *const[]){ "shard", "sessions", "entities", "lanes",
		"database", "waiting", NULL });
	sc_command_row(c, (const char *const[]){ sc_format(a, "%d", loop_id()),
		sc_format(a, "%d", sessions),
		sc_format(a, "%u", shard.entities.count), sc_format(a, "%u", shard.lanes.count),
		store_ready(shard.store) ? "connected" : "away",
		sc_format(a, "%zu", store_waiting(shard.store)) });
	sc_command_done(&c);
}

static void
counters(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	const char *prefix = sc_command_arg(c, 0) ? sc_command_arg(c, 0) : "";

	sc_command_columns(c, (const char *const[]){ "counter", "value", "counts", NULL });
	for (int i = 0; i < stats_count(); i++)
		if (strncmp(stats_name(i), prefix, strlen(prefix)) == 0)
			sc_command_row(c, (const char *const[]){ stats_name(i),
				sc_format(a, "%" PRId64, stats_sum(i)), stats_help(i) });
	sc_command_done(&c);
}

static void
stop(struct sc_command *c)
{
	sc_command_text(c, "The server ends.");
	sc_command_done(&c);
	server_facts.stop();
}

const struct sc_command_row admin_status_rows[] = {
	{ .words = "status", .where = SC_ON_ALL, .fn = status,
		.help = "How the server is: readiness, load, what is being shed." },
	{ .words = "counters", .args = "[PREFIX]", .where = SC_ON_ANY, .max_args = 1,
		.fn = counters,
		.help = "Every counter, summed over the shards." },
	{ .words = "stop", .where = SC_ON_ANY, .fn = stop,
		.help = "Ends the server: streams are closed, queues written." },
	{ .words = NULL }
};
