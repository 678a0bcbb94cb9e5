/* SPDX-License-Identifier: MIT */
/* flow: shards that run when they are told to, and the clock. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/arena.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/accounts.sql.h"
#include "core/admin.h"
#include "core/clients.sql.h"
#include "core/entity.h"
#include "core/route.h"
#include "core/shard.h"
#include "core/sleep.sql.h"
#include "flow_inside.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/offload.h"
#include "plugin/hook.h"
#include "plugin/host.h"
#include "plugin/module.h"
#include "stream/stream.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

#define START_MONO 1000000000LL
#define START_WALL 1700000000000000LL

static _Thread_local int my_id = -1;
bool flow_went_wrong;

void
flow_wrong(const char *fmt, ...)
{
	va_list args;

	flow_went_wrong = true;
	printf("# wrong: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* --- one shard --- */

static void
shard_up(void *arg)
{
	struct flow_shard *s = arg;
	const int ids[] = { 1, 2 };

	stats_thread_start();
	budget_thread_start();
	loop_become(s->id);
	loop_at_turn_start(stream_turn_start, NULL);
	loop_at_turn_end(stream_turn_end, NULL);
	shard_setup();
	shard_start(&(struct store_conf){ .writers = 1, .readers = 1 });
	conf_set_now(conf_ref(s->flow->conf));
	host_sync(ids);
}

static void
shard_down(void *arg)
{
	(void)arg;
	shard_stop();
	conf_set_now(NULL);
	xml_thread_done();
	arena_thread_done();
	log_thread_done();
}

static void *
shard_thread(void *arg)
{
	struct flow_shard *s = arg;

	my_id = s->id;
	for (;;) {
		while (sem_wait(&s->go) != 0)
			;
		if (s->fn == NULL)
			return NULL;
		s->fn(s->arg);
		sem_post(&s->done);
	}
}

static void
tell(struct flow_shard *s, void (*fn)(void *), void *arg)
{
	s->fn = fn;
	s->arg = arg;
	sem_post(&s->go);
}

static void
wait_for(struct flow_shard *s)
{
	while (sem_wait(&s->done) != 0)
		;
}

void
on_shard(struct flow *f, int id, void (*fn)(void *), void *arg)
{
	if (my_id == id) {
		fn(arg);
		return;
	}
	tell(&f->shards[id], fn, arg);
	wait_for(&f->shards[id]);
}

/* --- turns --- */

static void
one_turn(void *arg)
{
	struct flow_shard *s = arg;

	flow_clients_feed(s->flow, s->id);
	loop_turn();
}

void
turn(struct flow *f, int id)
{
	on_shard(f, id, one_turn, &f->shards[id]);
}

/* Grows with everything that goes in or out. */
static int64_t
traffic(void)
{
	return stats_sum(STAT_stanzas_in) + stats_sum(STAT_bytes_in) + stats_sum(STAT_stanzas_out) +
		stats_sum(STAT_bytes_out);
}

/* A shard may have queued work for its next turn without anybody seeing it, so a few turns more are
 * run. */
void
run(struct flow *f)
{
	int64_t before = 0, now;
	int calm = 0;

	for (int i = 0; calm < 4 && i < 20000; i++, before = now) {
		for (int k = 0; k < f->n; k++)
			turn(f, k);
		now = traffic();
		calm = now == before && mailbox_idle() && !flow_store_moved() &&
			!flow_clients_wait(f) && offload_waiting() == 0 ? calm + 1 : 0;
		if (offload_waiting() > 0)
			usleep(100);
	}
	if (calm == 0)
		flow_wrong("it does not come to rest");
}

void
pass_time(struct flow *f, int64_t ms)
{
	f->mono += ms * 1000;
	f->wall += ms * 1000;
	clock_freeze(f->mono, f->wall);
	run(f);
}

void
wall_jumps(struct flow *f, int64_t ms)
{
	f->wall += ms * 1000;
	clock_freeze(f->mono, f->wall);
	run(f);
}

static void
many_turns(void *arg)
{
	struct flow_shard *s = arg;

	for (int i = 0; i < s->turns; i++)
		one_turn(s);
}

void
run_freely(struct flow *f, int turns)
{
	for (int i = 0; i < f->n; i++) {
		f->shards[i].turns = turns;
		tell(&f->shards[i], many_turns, &f->shards[i]);
	}
	for (int i = 0; i < f->n; i++)
		wait_for(&f->shards[i]);
	run(f);
}

/* --- names and figures --- */

int
shard_now(void)
{
	return my_id;
}

int
shard_of(struct flow *f, const char *jid)
{
	struct sc_arena *arena = arena_new();
	const struct sc_jid *j = sc_jid(arena, jid);
	int home;

	(void)f;
	sc_assert(j != NULL);
	home = home_of(j);
	arena_free(arena);
	return home;
}

const char *
name_on(struct flow *f, const char *local, int id)
{
	char name[64];

	sc_assert(f->n_names < 64);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "%s%d@here", local, i);
		if (shard_of(f, name) == id)
			return f->names[f->n_names++] = strdup(name);
	}
	abort();
}

int64_t
counted(struct flow *f, int stat)
{
	return stats_sum(stat) - f->counts[stat];
}

/* --- the administrator --- */

static char ctl_path[64];

static void
listen_ctl(void *arg)
{
	char error[256];

	(void)arg;
	if (!admin_listen(ctl_path, error, sizeof error))
		flow_wrong("the control socket: %s", error);
}

static void
close_ctl(void *arg)
{
	(void)arg;
	admin_close();
}

static void
open_ctl(struct flow *f)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(ctl_path, sizeof ctl_path, "/tmp/stonechat-flow-%d/ctl", (int)getpid());
	on_shard(f, 0, listen_ctl, NULL);
	memcpy(at.sun_path, ctl_path, sizeof ctl_path);
	f->ctl = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(f->ctl, (struct sockaddr *)&at, sizeof at) != 0)
		flow_wrong("nobody listens at %s", ctl_path);
	fcntl(f->ctl, F_SETFL, O_NONBLOCK);
}

static void
forget_ctl(struct flow *f)
{
	if (f->ctl < 0)
		return;
	close(f->ctl);
	on_shard(f, 0, close_ctl, NULL);
	admin_forget();
	unlink(ctl_path);
	*strrchr(ctl_path, '/') = '\0';
	rmdir(ctl_path);
}

const char *
command_answer(struct flow *f)
{
	static char line[65536];
	ssize_t n = -1;

	/* The socket is a real one, but both ends are here. */
	for (int i = 0; i < 20 && n <= 0; i++) {
		run(f);
		n = read(f->ctl, line, sizeof line - 1);
	}
	if (n <= 0)
		return NULL;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line;
}

const char *
command(struct flow *f, const char *words)
{
	char line[1024], *at = line + snprintf(line, sizeof line, "{\"cmd\": [");
	size_t n;

	for (const char *w = words; *w != '\0'; w += n + (w[n] == ' ')) {
		n = strcspn(w, " ");
		at += sprintf(at, "%s\"%.*s\"", w == words ? "" : ", ", (int)n, w);
	}
	at += sprintf(at, "]}\n");
	if (write(f->ctl, line, (size_t)(at - line)) != at - line)
		flow_wrong("the control socket takes nothing");
	return command_answer(f);
}

static void
forget_now(void *arg)
{
	struct sc_arena *arena = arena_new();

	entity_forget_absent(sc_jid(arena, arg));
	arena_free(arena);
}

void
forget_absent(struct flow *f, const char *jid)
{
	on_shard(f, shard_of(f, jid), forget_now, (void *)(uintptr_t)jid);
}

/* --- start and end --- */

static void
load_modules(const struct flow_setup *setup)
{
	char error[1024] = "";
	bool fine = module_add(&sc_module_tiny, NULL, error, sizeof error);

	for (const struct sc_module *const *m = setup->modules; fine && m != NULL &&
	    *m != NULL; m++)
		fine = module_add(*m, NULL, error, sizeof error);
	if (!fine || !module_finish(error, sizeof error)) {
		printf("Bail out! %s\n", error);
		exit(1);
	}
}

static struct conf *
load_conf(const char *hosts, const char *more)
{
	char text[4096], error[1024];
	int n = snprintf(text, sizeof text, "hosts = ( %s );\n%s\n", hosts,
		more != NULL ? more : "");
	struct conf *conf = conf_load_text("flow", (struct sc_span){ text, (size_t)n }, error,
		sizeof error);

	if (conf == NULL) {
		printf("Bail out! %s\n", error);
		exit(1);
	}
	return conf;
}

static void
reload(void *arg)
{
	struct flow *f = arg;
	const int ids[] = { 1 };

	conf_set_now(load_conf("{ name = \"here\"; }", f->more_conf));
	host_sync(ids);
	streams_check_hosts();
	route_run();
}

void
drop_host_there(struct flow *f, int id)
{
	on_shard(f, id, reload, f);
	run(f);
}

struct flow *
flow_start_with(const struct flow_setup *setup)
{
	struct flow *f = calloc(1, sizeof *f);

	sc_assert(f != NULL);
	log_level(getenv("FLOW_DEBUG") != NULL ? SC_LOG_DEBUG : SC_LOG_ERROR);
	memset(&tiny, 0, sizeof tiny);
	flow_went_wrong = false;
	f->n = setup->shards;
	f->mono = START_MONO;
	f->wall = START_WALL;
	clock_freeze(f->mono, f->wall);
	c2s_conf_register();
	sc_assert(store_register(accounts_statements,
		sizeof accounts_statements / sizeof *accounts_statements - 1) == NULL);
	sc_assert(store_register(clients_statements,
		sizeof clients_statements / sizeof *clients_statements - 1) == NULL);
	sc_assert(store_register(sleep_statements,
		sizeof sleep_statements / sizeof *sleep_statements - 1) == NULL);
	f->ctl = -1;
	if (setup->admin)
		admin_builtin();
	load_modules(setup);
	f->conf = load_conf(setup->hosts != NULL ? setup->hosts : "{ name = \"here\"; }, { name = "
		"\"there\"; }", setup->conf);
	f->more_conf = setup->conf;
	flow_store_start(f);
	for (int i = 0; i < STAT_N; i++)
		f->counts[i] = stats_sum(i);
	loop_setup(f->n);
	offload_setup(1);
	f->shards = calloc((size_t)f->n, sizeof *f->shards);
	sc_assert(f->shards != NULL);
	for (int i = 0; i < f->n; i++) {
		struct flow_shard *s = &f->shards[i];

		s->flow = f;
		s->id = i;
		sem_init(&s->go, 0, 0);
		sem_init(&s->done, 0, 0);
		sc_assert(pthread_create(&s->thread, NULL, shard_thread, s) == 0);
		on_shard(f, i, shard_up, s);
	}
	if (setup->admin)
		open_ctl(f);
	return f;
}

static void
look_for_leftovers(struct flow *f)
{
	static const int gauges[] = { STAT_sessions_now, STAT_streams_now, STAT_entities_now,
		STAT_lanes_now, STAT_held_now, STAT_custody_now,
		STAT_mem_outq_now };

	for (size_t i = 0; i < N_ELEMENTS(gauges); i++)
		if (counted(f, gauges[i]) != 0)
			flow_wrong("left behind: %s = %lld", stats_name(gauges[i]),
				(long long)counted(f, gauges[i]));
}

bool
flow_over(struct flow **taken)
{
	struct flow *f = *taken;

	*taken = NULL;
	forget_ctl(f);
	flow_clients_end(f);
	flow_peers_free(f);
	flow_store_end();
	run(f);
	/* Longer than anything sleeps or is remembered. A sweep takes 64 of what was not used. */
	pass_time(f, 601000);
	for (int i = 0; i < 3; i++)
		pass_time(f, 61000);
	for (int i = 0; i < 200 && counted(f, STAT_entities_now) > 0; i++)
		run(f);
	look_for_leftovers(f);
	for (int i = 0; i < f->n; i++)
		on_shard(f, i, shard_down, NULL);
	for (int i = 0; i < f->n; i++) {
		tell(&f->shards[i], NULL, NULL);
		pthread_join(f->shards[i].thread, NULL);
		sem_destroy(&f->shards[i].go);
		sem_destroy(&f->shards[i].done);
	}
	offload_teardown();
	loop_teardown();
	flow_clients_free(f);
	conf_unref(&f->conf);
	module_unload_all();
	store_unregister_all();
	conf_sections_forget();
	xml_thread_done();
	stanza_thread_done();
	arena_thread_done();
	while (f->n_names > 0)
		free(f->names[--f->n_names]);
	free(f->shards);
	free(f);
	return !flow_went_wrong;
}
