/* SPDX-License-Identifier: MIT */
/*
 * admin_test: `test …`, only in builds with --enable-test-hooks: tests move the clock, take the
 * database away, and wait until nothing is under way. The supervisor does not start a private
 * PostgreSQL while the file that `test db stop` leaves is there.
 */
#include "config.h"

#ifdef ENABLE_TEST_HOOKS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/stats.h"
#include "core/admin_core.h"
#include "core/server.h"
#include "core/shard.h"
#include "net/loop.h"

#define LOOK_MS 20
#define PATIENCE 1000           /* looks: 20 s */
#define SETTLED 3               /* looks in a row that found nothing */

/* --- clock --- */

static void
test_clock(struct sc_command *c)
{
	const char *by = sc_command_arg(c, 0);
	uint64_t seconds;

	if (by[0] != '+' || !sc_read_number(by + 1, 1000000000, &seconds)) {
		sc_command_fail(&c, "time moves forward only: +SECONDS");
		return;
	}
	/* The first shard to come moves it for all, and each then has a turn that sees it. */
	if (!atomic_exchange(&c->request->once, true))
		clock_shift((int64_t)seconds * 1000000);
	loop_again();
	sc_command_done(&c);
}

/* --- waiting for something to become true --- */

struct wait {
	struct timeout timeout;
	struct sc_command *command;
	bool (*over)(struct wait *);
	const char *given_up;
	int looks, quiet;
};

static void
look(struct timeout *t)
{
	struct wait *w = container_of(t, struct wait, timeout);

	if (w->over(w)) {
		sc_command_done(&w->command);
		free(w);
	} else if (++w->looks > PATIENCE) {
		sc_command_fail(&w->command, w->given_up);
		free(w);
	} else {
		timeout_set(t, w->quiet > 0 ? 0 : LOOK_MS);
	}
}

static void
wait_for(struct sc_command *c, bool (*over)(struct wait *), const char *given_up)
{
	struct wait *w = mem_new(sizeof *w);

	w->command = c;
	w->over = over;
	w->given_up = given_up;
	timeout_init(&w->timeout, look);
	timeout_set(&w->timeout, 0);
}

/* --- settle --- */

static bool
nothing_under_way(struct wait *w)
{
	bool quiet = mailbox_idle() && offload_waiting() == 0 &&
		stats_sum(STAT_db_waiting_now) == 0 &&
		stats_sum(STAT_lanes_now) == 0 && stats_sum(STAT_held_now) == 0;

	w->quiet = quiet ? w->quiet + 1 : 0;
	return w->quiet >= SETTLED;
}

static void
test_settle(struct sc_command *c)
{
	wait_for(c, nothing_under_way, "something is still under way; see `test stats`");
}

/* --- database --- */

static void
hold_file(char *path, size_t size)
{
	snprintf(path, size, "%s/pg.hold", server_facts.state_dir);
}

static bool
database_gone(struct wait *w)
{
	(void)w;
	return admin_db_pid() == 0;
}

static void
test_db_stop(struct sc_command *c)
{
	char path[4096];
	pid_t pid = admin_db_pid();
	int fd;

	hold_file(path, sizeof path);
	fd = server_facts.db_pid != 0 ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0) {
		sc_command_fail(&c, "only the private database can be stopped");
		return;
	}
	close(fd);
	if (pid != 0)
		kill(pid, SIGINT);      /* fast shutdown */
	wait_for(c, database_gone, "the database does not end");
}

static bool
store_is_ready(struct wait *w)
{
	(void)w;
	return store_ready(shard.store);
}

static void
test_db_start(struct sc_command *c)
{
	char path[4096];

	if (!atomic_exchange(&c->request->once, true)) {
		hold_file(path, sizeof path);
		unlink(path);
		/* it looks after its children then */
		kill(server_facts.supervisor_pid, SIGCHLD);
	}
	wait_for(c, store_is_ready, "the database does not come back");
}

static void
test_db_delay(struct sc_command *c)
{
	uint64_t ms;

	if (!sc_read_number(sc_command_arg(c, 0), 600000, &ms)) {
		sc_command_fail(&c, "the delay is a number of milliseconds");
		return;
	}
	store_test_delay(shard.store, (int)ms);
	sc_command_done(&c);
}

/* --- stats --- */

static void
test_stats(struct sc_command *c)
{
	for (int i = 0; i < stats_count(); i++)
		sc_command_fact_int(c, stats_name(i), stats_sum(i));
	sc_command_fact_int(c, "offload_waiting", offload_waiting());
	sc_command_done(&c);
}

const struct sc_command_row admin_test_rows[] = {
	{ .words = "test clock", .args = "+SECONDS", .where = SC_ON_ALL, .min_args = 1,
		.max_args = 1, .fn = test_clock,
		.seconds = UINT_MAX,    /* or the moved clock would say that it took too long */
		.help = "Moves the server's clock forward." },
	{ .words = "test settle", .where = SC_ON_ANY, .fn = test_settle,
		.help = "Answers when nothing is under way." },
	{ .words = "test db stop", .where = SC_ON_ANY, .fn = test_db_stop,
		.help = "Stops the private database." },
	{ .words = "test db start", .where = SC_ON_ALL, .fn = test_db_start,
		.help = "Starts it again." },
	{ .words = "test db delay", .args = "MS", .where = SC_ON_ALL, .min_args = 1, .max_args = 1,
		.fn = test_db_delay,
		.help = "Makes the database slow." },
	{ .words = "test stats", .where = SC_ON_ANY, .fn = test_stats,
		.help = "Every counter as a fact." },
	{ .words = NULL }
};

#else

extern int admin_test_is_left_out;      /* an empty file is not C */

#endif
