/* SPDX-License-Identifier: MIT */
/* supervisor: start, watch, restart, stop. It waits in sigtimedwait(), so nothing here is
 * asynchronous. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif
#include "base/log.h"
#include "confine.h"
#include "net/listen.h"
#include "plugin/conf.h"
#include "server.h"
#include "store/store.h"
#include "supervisor.h"
#include "waiting.h"
#include "worker.h"

#define PAUSE_MAX 30            /* s between restarts of a worker that keeps dying */
#define DATABASE_PAUSE 3        /* s between attempts to start the private PostgreSQL again */
#define STEADY 60               /* s after which a worker counts as having lived */
#define APP_PREFIX "stonechat-worker"

static struct inheritance given;
static struct private_pg *pg;
static char pg_uri[3 * PATH_MAX];
static bool pg_wanted;          /* no external database is configured */
static sigset_t watched;
static int alive_pipe[2] = { -1, -1 };

static int
fail(const char *what)
{
	sc_log(NULL, SC_LOG_ERROR, "server.cannot_start", "why=\"%s\"", what);
	fprintf(stderr, "stonechat: %s\n", what);
	return 1;
}

/* --- rights and folders --- */

static bool
make_folder(const char *path, const struct passwd *owner, char *error, size_t size)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof copy, "%s", path);
	for (char *p = copy + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	if (mkdir(copy, 0750) == 0) {
		if (owner != NULL && chown(copy, owner->pw_uid, owner->pw_gid) != 0)
			goto bad;
		return true;
	}
	if (errno == EEXIST)
		return true;
bad:
	snprintf(error, size, "the folder %s cannot be made: %s", path, strerror(errno));
	return false;
}

/* As root: become the user of the configuration, for good. The folders that it writes to are made
 * and given to it before. */
static bool
drop_rights(const struct server_conf *c, char *error, size_t size)
{
	struct passwd *pw = NULL;
	char socket_dir[PATH_MAX];

	snprintf(socket_dir, sizeof socket_dir, "%s", c->ctl_socket);
	if (geteuid() == 0 && (pw = getpwnam(c->user)) == NULL) {
		snprintf(error, size, "there is no user \"%s\" (setting `user`): create it with "
			"`useradd --system %s`, or name another", c->user, c->user);
		return false;
	}
	if (!make_folder(c->state_dir, pw, error, size) || !make_folder(dirname(socket_dir), pw,
	    error, size))
		return false;
	if (pw == NULL)
		return true;
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0) {
		snprintf(error, size, "cannot become the user %s: %s", c->user, strerror(errno));
		return false;
	}
	prctl(PR_SET_DUMPABLE, 1);
	return true;
}

static bool
lock_state(const struct server_conf *c, char *error, size_t size)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "%s/lock", c->state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(error, size, "the lock in %s cannot be opened: %s", c->state_dir,
			strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(error, size, "another server runs with the state folder %s", c->state_dir);
		close(fd);
		return false;
	}
	return true;
}

static void
raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static bool
open_ports(char *error, size_t size)
{
	given.n_fds = 0;
	for (int i = 0; i < conf_listens(given.conf); i++) {
		const struct conf_listen *l = conf_listen(given.conf, i);
		int fds[256];

		if (given.n_fds + given.shards > SUPERVISOR_FDS_MAX) {
			snprintf(error, size, "too many listeners");
			return false;
		}
		if (!listen_open(l->address, l->port, given.shards, fds, error, size))
			return false;
		for (int k = 0; k < given.shards; k++) {
			given.fds[given.n_fds].fd = fds[k];
			given.fds[given.n_fds++].listen = i;
		}
	}
	return true;
}

/* --- waiting --- */

/* The next signal within ms; 0: none. A negative ms waits for ever. */
static int
wait_signal(int ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };
	int s = ms < 0 ? sigwaitinfo(&watched, NULL) : sigtimedwait(&watched, NULL, &t);

	return s > 0 ? s : 0;
}

/* True when the operator wants us to end. Other signals that come meanwhile are for later
 * rounds. */
static bool
told_to_end(int ms)
{
	int s = wait_signal(ms);

	return s == SIGTERM || s == SIGINT;
}

/* --- the database --- */

static bool
start_private(char *error, size_t size)
{
	const struct server_conf *c = server_conf(given.conf);
	char dir[PATH_MAX];

	snprintf(dir, sizeof dir, "%s/pg", c->state_dir);
	pg = private_pg_start(dir, c->postgres_bin, error, size);
	if (pg == NULL)
		return false;
	snprintf(pg_uri, sizeof pg_uri, "%s", private_pg_uri(pg));
	given.db_uri = pg_uri;
	given.db_pid = private_pg_pid(pg);
	return true;
}

/* False: told to end meanwhile, or the schema is not ours to touch. An external database that is
 * away is waited for. */
static bool
prepare_database(void)
{
	const struct db_conf *db = db_conf(given.conf);
	const char *schema = server_conf(given.conf)->schema_dir;
	char error[1024];
	bool told = false;

	pg_wanted = db->uri == NULL || *db->uri == '\0';
	waiting_begin(pg_wanted ? "starting PostgreSQL" : "connecting to the database");
	if (pg_wanted) {
		if (!start_private(error, sizeof error)) {
			fail(error);
			return false;
		}
	} else {
		given.db_uri = db->uri;
	}
	for (;;) {
		char why[1100];
		bool reached = store_check_server(given.db_uri, (int)db->connections,
			db->allow_unsafe, error, sizeof error);

		if (reached && store_migrate(given.db_uri, schema, error, sizeof error))
			return true;
		if (reached || pg != NULL) {
			fail(error);
			return false;
		}
		if (!told)
			sc_log(NULL, SC_LOG_ERROR, "db.unreachable",
				"why=\"%s\" action=\"trying again every 2 s\"", error);
		told = true;
		snprintf(why, sizeof why, "waiting for the database: %s", error);
		waiting_begin(why);
		if (told_to_end(2000))
			return false;
	}
}

/* --- the worker --- */

static pid_t
start_worker(void)
{
	pid_t pid;

	waiting_end();
	pid = fork();
	if (pid != 0)
		return pid;
	given.ctl_fd = waiting_socket();
	close(alive_pipe[1]);
	given.alive_fd = alive_pipe[0];
	_exit(worker_run(&given));
}

static void
kill_worker(pid_t pid, int signal)
{
	if (pid > 0)
		kill(pid, signal);
}

static void
tell_death(pid_t pid, int status)
{
	bool lacked_database = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_NO_DATABASE;
	bool told = given.lacked_database;

	given.lacked_database = lacked_database;
	if (lacked_database && told)
		return;
	if (WIFSIGNALED(status))
		sc_log(NULL, SC_LOG_ERROR, "worker.died", "pid=%d signal=%d", (int)pid,
			WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		sc_log(NULL, SC_LOG_ERROR, "worker.died", "pid=%d status=%d", (int)pid,
			WEXITSTATUS(status));
}

/* Collects the dead. True when the worker was among them. */
static bool
reap(pid_t worker)
{
	bool worker_died = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != worker)
			continue;
		worker_died = true;
		tell_death(pid, status);
	}
	return worker_died;
}

/* `test db stop` leaves a file: the database is to stay away for a while. */
static bool
held_down(void)
{
#ifdef ENABLE_TEST_HOOKS
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/pg.hold", server_conf(given.conf)->state_dir);
	return access(path, F_OK) == 0;
#else
	return false;
#endif
}

/* Tried again and again: a full disk may have stopped it, and may get room. */
static void
mind_database(void)
{
	static time_t next_try;
	static bool told;
	char error[1024];

	if (!pg_wanted || (pg != NULL && private_pg_alive(pg)) || held_down())
		return;
	if (pg != NULL)
		sc_log(NULL, SC_LOG_ERROR, "db.died", "action=\"starting it again\"");
	private_pg_stop(&pg, true);
	if (time(NULL) < next_try)
		return;
	next_try = time(NULL) + DATABASE_PAUSE;
	if (start_private(error, sizeof error))
		told = false;
	else if (!told) {
		told = true;
		sc_log(NULL, SC_LOG_ERROR, "db.cannot_start",
			"why=\"%s\" action=\"trying again every %d s\"", error, DATABASE_PAUSE);
	}
}

/* SIGTERM: the worker drains; a second one, or a minute, ends it. */
static int
end(pid_t worker)
{
	int64_t left = server_conf(given.conf)->drain_time + 20000;

	kill_worker(worker, SIGTERM);
	while (worker > 0 && left > 0) {
		int s = wait_signal(200);

		if (s == SIGTERM || s == SIGINT)
			break;
		if (reap(worker))
			worker = 0;
		left -= 200;
	}
	if (worker > 0) {
		kill_worker(worker, SIGKILL);
		waitpid(worker, NULL, 0);
	}
	waiting_close();
	if (pg != NULL)
		private_pg_stop(&pg, false);
	sc_log(NULL, SC_LOG_INFO, "server.stopped", "pid=%d", (int)getpid());
	return 0;
}

/* A worker that keeps dying waits longer each time; one that only lacked the database does not, so
 * that the server is there soon after it. */
static int
next_pause(int pause, time_t lived)
{
	if (given.lacked_database)
		return DATABASE_PAUSE;
	if (lived > STEADY)
		return 0;
	return pause == 0 ? 1 : pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
}

static int
watch(void)
{
	pid_t worker = start_worker();
	time_t since = time(NULL);
	int pause = 0;

	for (;;) {
		/* An adopted PostgreSQL is no child of ours: nobody signals its death. */
		int s = wait_signal(worker > 0 && !pg_wanted ? -1 : 1000);

		if (s == SIGTERM || s == SIGINT)
			return end(worker);
		if (s == SIGHUP)
			kill_worker(worker, SIGHUP);
		if (s == SIGCHLD && reap(worker)) {
			pause = next_pause(pause, time(NULL) - since);
			waiting_begin(given.lacked_database ? "waiting for the database"
				: "the worker has died and is started again");
			worker = 0;
			since = time(NULL);
		}
		mind_database();
		if (worker > 0 || time(NULL) - since < pause - (pause == 1))
			continue;
		given.again = true;
		worker = start_worker();
		since = time(NULL);
	}
}

int
supervisor_run(const char *conf_file, struct conf *conf)
{
	char error[1024];
	int status = 1;

	given.conf_file = conf_file;
	given.conf = conf;
	given.shards = server_shards(conf);
	log_thread_name("supervisor");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&watched);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&watched, (int[]){ SIGTERM, SIGINT, SIGHUP, SIGCHLD }[i]);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	raise_descriptors();
	confine_rights();
	if (!open_ports(error, sizeof error) || !drop_rights(server_conf(conf), error,
	    sizeof error) ||
	    !server_log_open(conf, error, sizeof error) || !lock_state(server_conf(conf), error,
	    sizeof error))
		return fail(error);
	if (pipe2(alive_pipe, O_CLOEXEC) != 0)
		return fail(strerror(errno));
	sc_log(NULL, SC_LOG_INFO, "server.starting", "version=" PACKAGE_VERSION " pid=%d shards=%d "
		"modules_from=%s", (int)getpid(), given.shards, server_conf(conf)->module_dir);
	if (!waiting_open(server_conf(conf)->ctl_socket, conf_file, error, sizeof error))
		return fail(error);
	if (prepare_database())
		status = watch();
	waiting_close();
	if (pg != NULL)
		private_pg_stop(&pg, false);
	return status;
}
