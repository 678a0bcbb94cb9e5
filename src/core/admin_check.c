/* SPDX-License-Identifier: MIT */
/* admin_check: the command `check`: core/check.c on a pool thread, since it waits for name servers
 * and databases. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "core/admin_core.h"
#include "core/check.h"
#include "core/server.h"
#include "net/loop.h"
#include "plugin/conf.h"

#define PROBLEMS_CODE 4

struct line {
	enum check_state state;
	const char *topic;
	char *sentence;
};

struct checking {
	struct job job;
	struct sc_command *command;
	struct conf *conf;
	struct check check;
	struct line *lines;
	int n;
};

static void
keep(struct check *check, enum check_state state, const char *topic, const char *sentence)
{
	struct checking *w = check->arg;

	w->lines = mem_grow(w->lines, (size_t)(w->n + 1) * sizeof *w->lines);
	w->lines[w->n++] = (struct line){ state, topic, mem_text(sentence, strlen(sentence)) };
}

static void
work(struct job *job)
{
	check_run(&container_of(job, struct checking, job)->check);
}

static void
done(struct job *job)
{
	struct checking *w = container_of(job, struct checking, job);
	struct sc_command *c = w->command;

	sc_command_columns(c, (const char *const[]){ "result", "topic", "finding", NULL });
	for (int i = 0; i < w->n; i++) {
		sc_command_row(c, (const char *const[]){ check_state_name(w->lines[i].state),
			w->lines[i].topic, w->lines[i].sentence });
		free(w->lines[i].sentence);
	}
	if (w->check.problems > 0)
		admin_code(c, PROBLEMS_CODE);
	sc_command_done(&c);
	conf_unref(&w->conf);
	free(w->lines);
	free(w);
}

static void
check(struct sc_command *c)
{
	struct checking *w = mem_new(sizeof *w);

	w->command = c;
	w->conf = conf_ref((struct conf *)(uintptr_t)conf_now());
	w->check = (struct check){ .conf = w->conf, .conf_file = server_facts.conf_file,
		.db_uri = server_facts.db_uri, .say = keep,
		.arg = w };
	w->job.shard = loop_id();
	w->job.work = work;
	w->job.done = done;
	if (offload_run(&w->job))
		return;
	conf_unref(&w->conf);
	free(w);
	sc_command_fail(&c, "the pool of threads has too much to do");
}

const struct sc_command_row admin_check_rows[] = {
	{ .words = "check", .where = SC_ON_ANY, .fn = check, .seconds = 300,
		.help = "Looks for what operators get wrong: configuration, certificates, DNS, "
		"database, ports." },
	{ .words = NULL }
};
