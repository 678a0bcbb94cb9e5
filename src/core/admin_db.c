/* SPDX-License-Identifier: MIT */
/* admin_db: `db plan` and `db migrate`. Both talk to the database in the blocking way, on a pool
 * thread. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "core/admin_core.h"
#include "core/server.h"
#include "net/loop.h"
#include "store/store.h"

struct task {
	struct job job;
	struct sc_command *command;
	bool apply;
	char *plan;
	char error[1024];
	bool ok;
};

static void
work(struct job *job)
{
	struct task *t = container_of(job, struct task, job);

	if (t->apply)
		t->ok = store_migrate(server_facts.db_uri, server_facts.schema_dir, t->error,
			sizeof t->error);
	if (t->apply && !t->ok)
		return;
	t->plan = store_migration_plan(server_facts.db_uri, server_facts.schema_dir, t->error,
		sizeof t->error);
	t->ok = t->plan != NULL;
}

static void
done(struct job *job)
{
	struct task *t = container_of(job, struct task, job);

	if (t->ok) {
		sc_command_text(t->command, t->plan);
		sc_command_done(&t->command);
	} else {
		sc_command_fail(&t->command, t->error);
	}
	free(t->plan);
	free(t);
}

static void
start(struct sc_command *c, bool apply)
{
	struct task *t = mem_new(sizeof *t);

	t->command = c;
	t->apply = apply;
	t->job.shard = loop_id();
	t->job.work = work;
	t->job.done = done;
	if (offload_run(&t->job))
		return;
	free(t);
	sc_command_fail(&c, "the pool of threads has too much to do");
}

static void
db_plan(struct sc_command *c)
{
	start(c, false);
}

static void
db_migrate(struct sc_command *c)
{
	start(c, true);
}

const struct sc_command_row admin_db_rows[] = {
	{ .words = "db plan", .where = SC_ON_ANY, .fn = db_plan,
		.help = "Lists the steps of the schema, done and to do." },
	{ .words = "db migrate", .where = SC_ON_ANY, .fn = db_migrate, .seconds = 3600,
		.help = "Applies what `db plan` says is to do; the server does so at its "
		"start too." },
	{ .words = NULL }
};
