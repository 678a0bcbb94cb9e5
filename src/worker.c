/* SPDX-License-Identifier: MIT */
/*
 * worker: starts the shards, watches signals on shard 0, reloads, drains. What needs the database
 * before any shard runs is in worker_db.c.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif
#include "base/arena.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "confine.h"
#include "core/pseudonym.h"
#include "core/admin.h"
#include "core/dns_conf.h"
#include "core/entity.h"
#include "core/remote.h"
#include "core/route.h"
#include "core/server.h"
#include "core/session.h"
#include "core/shard.h"
#include "core/sleep.h"
#include "net/dns.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/offload.h"
#include "net/timer.h"
#include "net/tls.h"
#include "plugin/conf.h"
#include "plugin/hook.h"
#include "plugin/host.h"
#include "plugin/module.h"
#include "server.h"
#include "stream/offer.h"
#include "stream/s2s.h"
#include "stream/stream.h"
#include "worker.h"
#include "worker_db.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

#define LOOK_MS 20              /* how often a starting or ending shard looks whether it is done */
#define KEEP_MS 5000            /* between rounds of housekeeping */
#define CLOSE_SLICE 500         /* streams that a draining shard ends at a time */

static const struct inheritance *given;
static char app_name[64];
static struct store_conf store_settings;


static _Thread_local struct listener *listeners[SUPERVISOR_FDS_MAX];
static _Thread_local int n_listeners;
static _Thread_local struct timeout look;
static _Thread_local int64_t drain_until;

static _Atomic int shards_ready, shards_ended;
static _Atomic bool is_ready, is_draining;

/* --- taking up a configuration --- */

/* Certificates in force: of clients' streams, and of those that other servers and we begin. */
struct tls_set {
	struct tls_ctx *c2s, *s2s_in, *s2s_out;
};

/* What all shards take up together; replaced by a reload. */
struct outfit {
	struct conf *conf;
	struct tls_set tls;
	int *host_ids;
};
static struct outfit first;
static _Thread_local struct tls_set tls_now;

static void
tls_set_unref(struct tls_set *t)
{
	tls_unref(&t->c2s);
	tls_unref(&t->s2s_in);
	tls_unref(&t->s2s_out);
}

static struct tls_ctx *
ref_or_null(struct tls_ctx *ctx)
{
	return ctx != NULL ? tls_ref(ctx) : NULL;
}

static struct tls_set
tls_set_ref(const struct tls_set *t)
{
	return (struct tls_set){ ref_or_null(t->c2s), ref_or_null(t->s2s_in),
		ref_or_null(t->s2s_out) };
}

/* False with a sentence: what could be loaded is there all the same. */
static bool
load_tls(struct tls_set *set, const struct conf *conf, const struct tls_set *old, char *error,
	size_t size)
{
	const char **names = calloc((size_t)conf_hosts(conf) + 1, sizeof *names);
	const struct c2s_conf *c2s = conf_get(conf, c2s_section, -1);
	const struct s2s_conf *s2s = conf_get(conf, s2s_section, -1);
	struct tls_conf for_clients = { .cert_dir = server_conf(conf)->cert_dir, .hosts = names,
		.ca_file = c2s->ca_file, .ask_client_cert = c2s->ca_file != NULL };
	struct tls_conf for_servers = { .cert_dir = server_conf(conf)->cert_dir, .hosts = names,
		.ca_file = s2s->ca_file, .ask_client_cert = true };

	sc_assert(names != NULL);
	for (int i = 0; i < conf_hosts(conf); i++)
		names[i] = conf_host(conf, i)->name;
	set->c2s = tls_load(&for_clients, TLS_C2S, old->c2s, error, size);
	if (s2s->policy != S2S_OFF) {
		if (set->c2s != NULL)
			set->s2s_in = tls_load(&for_servers, TLS_S2S_IN, old->s2s_in, error, size);
		set->s2s_out = tls_load(&for_servers, TLS_S2S_OUT, old->s2s_out, error, size);
	}
	free(names);
	return set->c2s != NULL &&
		(s2s->policy == S2S_OFF || (set->s2s_in != NULL && set->s2s_out != NULL));
}

static void
put_on(const struct outfit *o)
{
	const struct c2s_conf *c;

	conf_set_now(conf_ref(o->conf));
	host_sync(o->host_ids);
	streams_check_hosts();
	s2s_check_hosts();
	s2s_conf_taken_up();
	dns_conf_use(o->conf);
	tls_set_unref(&tls_now);
	tls_now = tls_set_ref(&o->tls);
	c2s_set_tls(o->tls.c2s);
	s2s_set_tls(o->tls.s2s_in, o->tls.s2s_out);
	c = c2s_conf();
	session_limits.outq_items = (uint32_t)c->outq_stanzas;
	session_limits.outq_bytes = (size_t)c->outq_bytes;
	sm_conf_take_up();
	route_limits = (struct route_limits){ (uint32_t)c->lane_stanzas,
		(uint32_t)c->loading_stanzas, (uint32_t)c->reading_iqs };
}

static struct tls_ctx *
tls_in_force(void)
{
	return tls_now.c2s;
}

/* --- reload: read on a pool thread, taken up by every shard --- */

struct reload {
	struct job job;
	struct outfit new;
	struct tls_set old_tls;
	char error[1024];
	char *notes;
	void (*done)(void *arg, const char *error, const char *notes);
	void *arg;
};

struct reload_letter {
	struct letter letter;
	struct outfit outfit;
};

static void
outfit_free(struct outfit *o)
{
	if (o->conf != NULL)
		conf_unref(&o->conf);
	tls_set_unref(&o->tls);
	free(o->host_ids);
}

static void
reload_read(struct job *job)
{
	struct reload *r = container_of(job, struct reload, job);

	r->new.conf = conf_load(given->conf_file, r->error, sizeof r->error);
	if (r->new.conf == NULL)
		return;
	r->new.host_ids = worker_db_hosts(given->db_uri, r->new.conf, r->error, sizeof r->error);
	if (r->new.host_ids == NULL ||
	    (!load_tls(&r->new.tls, r->new.conf, &r->old_tls, r->error, sizeof r->error) &&
	     r->old_tls.c2s != NULL))
		outfit_free(&r->new);
}

static void
reload_arrived(struct letter *letter)
{
	struct reload_letter *l = container_of(letter, struct reload_letter, letter);
	struct sc_ev_conf ev = { 0 };

	put_on(&l->outfit);
	outfit_free(&l->outfit);
	free(l);
	hook_fire(SC_EV_conf_changed, NULL, NULL, NULL, &ev);
	route_run();
}

static void
reload_spread(const struct outfit *o)
{
	for (int i = 0; i < loop_count(); i++) {
		struct reload_letter *l = calloc(1, sizeof *l);

		sc_assert(l != NULL);
		l->outfit.conf = conf_ref(o->conf);
		l->outfit.tls = tls_set_ref(&o->tls);
		l->outfit.host_ids = malloc(sizeof(int) * ((size_t)conf_hosts(o->conf) + 1));
		memcpy(l->outfit.host_ids, o->host_ids, sizeof(int) * (size_t)conf_hosts(o->conf));
		l->letter = (struct letter){ .open = reload_arrived, .weight = sizeof *l };
		mailbox_post(i, &l->letter);
	}
}

static void
reload_done(struct job *job)
{
	struct reload *r = container_of(job, struct reload, job);
	struct sc_arena *arena = arena_new();
	const char *notes = NULL;
	bool ok = r->new.conf != NULL;

	if (ok) {
		char error[512];

		notes = conf_needs_restart(arena, given->conf, r->new.conf);
		if (!server_log_open(r->new.conf, error, sizeof error))
			sc_log(NULL, SC_LOG_WARN, "log.not_reopened", "why=\"%s\"", error);
		sc_log(NULL, SC_LOG_INFO, "conf.reloaded", "restart_needed=%s",
			notes != NULL ? "yes" : "no");
		reload_spread(&r->new);
	} else {
		sc_log(NULL, SC_LOG_ERROR, "conf.refused",
			"why=\"%s\" action=\"the old configuration stays\"", r->error);
	}
	if (r->done != NULL)
		r->done(r->arg, ok ? NULL : r->error, notes);
	arena_free(arena);
	outfit_free(&r->new);
	tls_set_unref(&r->old_tls);
	free(r);
}

static void
reload(void (*done)(void *arg, const char *error, const char *notes), void *arg)
{
	struct reload *r = calloc(1, sizeof *r);

	sc_assert(r != NULL);
	r->done = done;
	r->arg = arg;
	r->old_tls = tls_set_ref(&tls_now);
	r->job = (struct job){ .shard = loop_id(), .work = reload_read, .done = reload_done };
	if (!offload_run(&r->job)) {
		snprintf(r->error, sizeof r->error, "too much is waiting for the pool; try again");
		reload_done(&r->job);
	}
}

/* --- ending --- */

static void
fire_modules(void (*pick)(const struct module *, struct sc_ctx *))
{
	for (int i = 0; i < module_count(); i++) {
		struct sc_ctx *ctx = ctx_new(NULL, NULL, NULL);

		ctx->module = module_at(i);
		pick(module_at(i), ctx);
		ctx_free(ctx);
	}
	route_run();
}

static void
module_starts(const struct module *m, struct sc_ctx *ctx)
{
	if (m->m.shard_start != NULL)
		m->m.shard_start(ctx);
}

static void
module_stops(const struct module *m, struct sc_ctx *ctx)
{
	if (m->m.shard_stop != NULL)
		m->m.shard_stop(ctx);
}

/* Every shard has ended its streams and its writes: now the threads may go. */
static void
drained(void)
{
	if (atomic_fetch_add(&shards_ended, 1) + 1 < loop_count())
		return;
	for (int i = 0; i < loop_count(); i++)
		loop_stop(i);
}

/* Sessions that are still doing something; those that sleep wait for the database only. */
static bool
sessions_are_busy(void)
{
	list_each(&shard.sessions, it, tmp)
		if (!sc_session_asleep(container_of(it, struct sc_session, in_shard)))
			return true;
	return false;
}

static void
forget_sleepers(void)
{
	list_each(&shard.sessions, it, tmp) {
		struct sc_session *s = container_of(it, struct sc_session, in_shard);

		if (sc_session_asleep(s))
			session_forget(s);
	}
}

/* A shard ends in steps, each of which waits for what it has set in motion: streams; the rows of
 * messages that nobody has acknowledged; the sessions that sleep; the modules' last words. */
static bool
drain_step(int step)
{
	switch (step) {
	case 0:
		streams_shut_down("system-shutdown", CLOSE_SLICE);
		s2s_shut_down(CLOSE_SLICE);
		return streams_here() == 0 && s2s_here() == 0 && !sessions_are_busy() &&
			store_waiting(shard.store) == 0;
	case 1:
		sleep_save_all();
		remote_keep_all();
		return true;
	case 2:
		if (store_waiting(shard.store) > 0)
			return false;
		forget_sleepers();
		fire_modules(module_stops);
		return true;
	default:
		return store_waiting(shard.store) == 0;
	}
}

static void
drain_look(struct timeout *t)
{
	static _Thread_local int step;
	bool late = clock_mono() > drain_until;

	while (step < 4 && (drain_step(step) || late))
		step++;
	if (step < 4)
		timeout_set(t, LOOK_MS);
	else
		drained();
}

static void
drain_arrived(struct letter *letter)
{
	free(letter);
	shard.stopping = true;
	for (int i = 0; i < n_listeners; i++)
		listen_stop(&listeners[i]);
	n_listeners = 0;
	drain_until = clock_mono() + server_conf(conf_now())->drain_time * 1000;
	timeout_init(&look, drain_look);
	timeout_set(&look, 1);
}

static void
drain(void)
{
	if (atomic_exchange(&is_draining, true))
		return;
#ifdef HAVE_LIBSYSTEMD
	sd_notify(0, "STOPPING=1");
#endif
	sc_log(NULL, SC_LOG_INFO, "server.draining", "limit_ms=%lld",
		(long long)server_conf(conf_now())->drain_time);
	for (int i = 0; i < loop_count(); i++) {
		struct letter *l = calloc(1, sizeof *l);

		sc_assert(l != NULL);
		*l = (struct letter){ .open = drain_arrived, .weight = sizeof *l };
		mailbox_post(i, l);
	}
}

/* --- starting --- */

static void
stop_all(void)
{
	/* the supervisor tells us to drain, and ends the database after us */
	kill(getppid(), SIGTERM);
}

static const char *
not_ready_because(void)
{
	if (atomic_load(&is_draining))
		return "it is ending";
	if (!atomic_load(&is_ready))
		return "it is starting";
	return store_trouble();
}

static bool
draining(void)
{
	return atomic_load(&is_draining);
}

static void
all_ready(void)
{
	atomic_store(&is_ready, true);
	sc_log(NULL, SC_LOG_INFO, "server.ready", "pid=%d shards=%d", (int)getpid(), loop_count());
#ifdef HAVE_LIBSYSTEMD
	sd_pid_notifyf(getppid(), 0, "READY=1\nMAINPID=%d", (int)getppid());
	sd_notify(0, "READY=1");
#endif
}

/* Accepting begins when the database answers: a login before that could only fail. */
static void
start_look(struct timeout *t)
{
	if (shard.stopping)
		return;
	if (!store_ready(shard.store)) {
		timeout_set(t, LOOK_MS);
		return;
	}
	for (int i = loop_id(); i < given->n_fds; i += loop_count()) {
		const struct conf_listen *l = conf_listen(given->conf, given->fds[i].listen);
		bool direct = strlen(l->type) > 4 && strcmp(l->type + 3, "_tls") == 0;

		if (strncmp(l->type, "c2s", 3) == 0)
			listeners[n_listeners++] = listen_start(given->fds[i].fd, l->proxy,
				c2s_accepted, direct ? &first : NULL);
		else if (strncmp(l->type, "s2s", 3) == 0)
			listeners[n_listeners++] = listen_start(given->fds[i].fd, l->proxy,
				s2s_accepted, direct ? &first : NULL);
	}
	remote_start();
	fire_modules(module_starts);
	if (atomic_fetch_add(&shards_ready, 1) + 1 == loop_count())
		all_ready();
}

/* What `systemctl status` shows. */
static void
tell_systemd(void)
{
#ifdef HAVE_LIBSYSTEMD
	static const char *told;
	const char *why = not_ready_because();

	if (loop_id() != 0 || why == told)
		return;
	told = why;
	sd_notifyf(0, "STATUS=%s%s", why == NULL ? "Ready." : "Not ready: ", why ? why : "");
#endif
}

static void
housekeeping(struct timeout *t)
{
	tell_systemd();
	session_check_stuck();
	sleep_sweep();
	remote_sweep();
	log_tick();
	timeout_set(t, KEEP_MS);
}

static _Thread_local struct timeout keeper;

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo info;

	(void)what;
	(void)arg;
	loop_woke();
	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGHUP)
			reload(NULL, NULL);
		else
			drain();
	}
}

/* The supervisor is gone, by whatever death: nobody would end or restart us. */
static void
on_orphaned(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	_exit(1);
}

static void
start_shard_zero(void)
{
	static struct event *signals, *alive;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signals = event_new(loop_base(0), signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
		EV_READ | EV_PERSIST, on_signal, NULL);
	event_add(signals, NULL);
	alive = event_new(loop_base(0), given->alive_fd, EV_READ, on_orphaned, NULL);
	event_add(alive, NULL);
	admin_serve(given->ctl_fd);
}

static void
start_shard(void *arg)
{
	char name[32];

	(void)arg;
	snprintf(name, sizeof name, "shard %d", loop_id());
	log_thread_name(name);
	stats_thread_start();
	budget_thread_start();
	loop_at_turn_start(stream_turn_start, NULL);
	loop_at_turn_end(stream_turn_end, NULL);
	loop_at_turn_start(s2s_turn_start, NULL);
	loop_at_turn_end(s2s_turn_end, NULL);
	shard_start(&store_settings);
	put_on(&first);
	if (loop_id() == 0)
		start_shard_zero();
	timeout_init(&look, start_look);
	timeout_set(&look, 1);
	timeout_init(&keeper, housekeeping);
	timeout_set(&keeper, KEEP_MS);
}

static void
finish_shard(void *arg)
{
	(void)arg;
	if (loop_id() == 0)
		admin_close();
	timeout_clear(&keeper);
	s2s_stop();
	shard_stop();
	dns_stop();
	c2s_set_tls(NULL);
	tls_set_unref(&tls_now);
	conf_set_now(NULL);
	xml_thread_done();
	stanza_thread_done();
	arena_thread_done();
	log_thread_done();
}

static void *
shard_thread(void *arg)
{
	loop_run((int)(intptr_t)arg, start_shard, finish_shard, NULL);
	return NULL;
}

static void
run_shards(void)
{
	pthread_t threads[LOOP_MAX_SHARDS];
	int n = loop_count();

	for (int i = 1; i < n; i++)
		sc_assert(pthread_create(&threads[i], NULL, shard_thread,
			(void *)(intptr_t)i) == 0);
	loop_run(0, start_shard, finish_shard, NULL);
	for (int i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void
plan_connections(void)
{
	const struct db_conf *db = db_conf(given->conf);
	int each = (int)db->connections / given->shards;

	store_settings = (struct store_conf){
		.uri = given->db_uri, .writers = each >= 4 ? 2 : 1, .readers = each >= 4 ? 2 : 1,
		.queue_max_bytes = (size_t)db->queue_max, .outage_ms = (int)db->outage,
		.write_timeout_ms = (int)db->write_timeout, .read_timeout_ms = 5000,
		.app_name = app_name,
	};
}

static void
tell_admin(void)
{
	const struct server_conf *c = server_conf(given->conf);

	server_facts = (struct server_facts){
		.supervisor_pid = getppid(), .db_pid = given->db_pid, .started = clock_wall(),
		.conf_file = given->conf_file, .db_uri = given->db_uri, .schema_dir = c->schema_dir,
		.cert_dir = c->cert_dir,
		.state_dir = c->state_dir, .not_ready_because = not_ready_because,
		.draining = draining, .reload = reload,
		.stop = stop_all,
		.tls = tls_in_force,
	};
	admin_home_of = home_of;
}

/* Nothing can be asked of the database. Told once an outage: the supervisor tries again soon. */
static int
cannot_start(const char *why)
{
	sc_log(NULL, given->lacked_database ? SC_LOG_DEBUG : SC_LOG_ERROR, "worker.cannot_start",
		"why=\"%s\"", why);
	return WORKER_NO_DATABASE;
}

/* What was reloaded before a crash stays in force after it; ports and threads are those that the
 * supervisor has. */
static struct conf *
newest_conf(void)
{
	struct conf *conf = NULL;
	char error[1024];

	if (given->again)
		conf = conf_load(given->conf_file, error, sizeof error);
	if (given->again && conf == NULL)
		sc_log(NULL, SC_LOG_ERROR, "conf.refused",
			"why=\"%s\" action=\"the configuration of the start is used\"", error);
	return conf != NULL ? conf : conf_ref(given->conf);
}

int
worker_run(const struct inheritance *inherited)
{
	unsigned char secret[VERIFIER_SECRET];
	char error[1024];
	struct conf *conf;
	int64_t offload;

	given = inherited;
	confine_exec();
	log_thread_name("worker");
	snprintf(app_name, sizeof app_name, WORKER_APP_PREFIX " %d", (int)getpid());
	if (!store_end_predecessors(given->db_uri, WORKER_APP_PREFIX, app_name, error,
	    sizeof error) ||
	    !worker_db_secret(given->db_uri, "made_up_salts", secret, sizeof secret, error,
	    sizeof error))
		return cannot_start(error);
	first.conf = newest_conf();
	first.host_ids = worker_db_hosts(given->db_uri, first.conf, error, sizeof error);
	if (first.host_ids == NULL)
		return cannot_start(error);
	if (!load_tls(&first.tls, first.conf, &(struct tls_set){ 0 }, error, sizeof error))
		sc_log(NULL, SC_LOG_WARN, "tls.no_certificates", "why=\"%s\"", error);
	offer_secret(secret);
	pseudonym_secret(secret);
	plan_connections();
	tell_admin();
	budget_init((uint64_t)server_conf(given->conf)->memory_limit, given->shards);
	mailbox_high((size_t)server_conf(given->conf)->mailbox_high);
	offload = server_conf(given->conf)->offload_threads;
	shard_setup();
	s2s_setup();
	loop_setup(given->shards);
	offload_setup(offload > 0 ? (int)offload : given->shards);
	run_shards();
	offload_teardown();
	loop_teardown();
	outfit_free(&first);
	conf = given->conf;
	conf_unref(&conf);
	module_unload_all();
	return 0;
}
