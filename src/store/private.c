/* SPDX-License-Identifier: MIT */
/*
 * private: the PostgreSQL that belongs to this server. Adopts the one that runs, or starts it, and
 * waits until it answers. Blocking; for the supervisor, which has given up root's rights before.
 */
#include "config.h"

#include "store/private.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/connect.h"
#include "store/store.h"
#include <stonechat/log.h>

#define START_MS 60000
#define STOP_MS 20000
#define QUIT_MS 5000
#define POLL_MS 20
#define STARTS_MAX 5
#define DBNAME "stonechat"

struct private_pg {
	struct pg_home home;
	char uri[3 * PATH_MAX];
	pid_t pid;
	bool started;           /* by us; false: adopted */
	bool reaped;
};

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* --- who runs there --- */

/* The first line of postmaster.pid; 0: none. */
static pid_t
pid_in_file(const struct pg_home *home)
{
	char path[PATH_MAX + 32];
	FILE *file;
	long pid = 0;

	snprintf(path, sizeof path, "%s/postmaster.pid", home->data);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%ld", &pid) != 1)
		pid = 0;
	fclose(file);
	return (pid_t)(pid < 0 ? -pid : pid);
}

static bool
works_in(const char *pid, const char *data)
{
	char link[64], cwd[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%.20s/cwd", pid);
	n = readlink(link, cwd, sizeof cwd - 1);
	if (n < 0)
		return false;
	cwd[n] = '\0';
	return strcmp(cwd, data) == 0;
}

/* All processes of a cluster have its folder as their working directory. */
static bool
somebody_works_in(const char *data)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (proc && !found && (entry = readdir(proc)))
		found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    works_in(entry->d_name, data);
	if (proc)
		closedir(proc);
	return found;
}

/*
 * After a crash of the machine the number in postmaster.pid may belong to another process of our
 * user, perhaps to ourselves, and then PostgreSQL would refuse to start. We know better: nobody
 * lives in the folder.
 */
static void
remove_stale_pid_file(const struct pg_home *home)
{
	char path[PATH_MAX + 32];

	if (pid_in_file(home) == 0 || somebody_works_in(home->data))
		return;
	snprintf(path, sizeof path, "%s/postmaster.pid", home->data);
	(void)unlink(path);
}

/* --- talking to it --- */

static PGconn *
call(const struct pg_home *home, char *error, size_t error_size)
{
	char uri[3 * PATH_MAX];

	home_uri(home, "postgres", uri, sizeof uri);
	return connect_now(&(struct connect_want){ .uri = uri, .app_name = "stonechat-supervisor" },
	    error, error_size);
}

static bool
answers(const struct pg_home *home, char *error, size_t error_size)
{
	PGconn *conn = call(home, error, error_size);
	PGresult *res = conn ? PQexec(conn, "select current_setting('data_directory')") : NULL;
	bool ours = PQresultStatus(res) == PGRES_TUPLES_OK &&
	    strcmp(PQgetvalue(res, 0, 0), home->data) == 0;

	PQclear(res);
	PQfinish(conn);
	return ours;
}

static bool
make_database(const struct pg_home *home, char *error, size_t error_size)
{
	PGconn *conn = call(home, error, error_size);
	PGresult *res;
	bool done;

	if (!conn)
		return false;
	res = PQexec(conn, "select 1 from pg_database where datname = '" DBNAME "'");
	done = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1;
	PQclear(res);
	if (!done) {
		res = PQexec(conn, "create database " DBNAME);
		done = PQresultStatus(res) == PGRES_COMMAND_OK;
		if (!done)
			connect_error(PQerrorMessage(conn), error, error_size);
		PQclear(res);
	}
	PQfinish(conn);
	return done;
}

/* --- starting --- */

static bool
spawn_postmaster(struct private_pg *pg)
{
	char program[PATH_MAX + 16];
	const char *argv[] = { program, "-D", pg->home.data, NULL };

	snprintf(program, sizeof program, "%s/postgres", pg->home.bin);
	pg->pid = home_spawn(&pg->home, argv);
	pg->started = true;
	pg->reaped = false;
	return pg->pid != 0;
}

bool
private_pg_alive(struct private_pg *pg)
{
	char pid[16];

	if (pg->pid == 0 || pg->reaped)
		return false;
	switch (waitpid(pg->pid, NULL, WNOHANG)) {
	case 0:
		return true;
	case -1:
		/* Not our child, or somebody else has reaped it. A zombie that nobody
		 * reaps works nowhere. */
		snprintf(pid, sizeof pid, "%d", (int)pg->pid);
		return works_in(pid, pg->home.data);
	default:
		pg->reaped = true;
		return false;
	}
}

/* One that runs, or is starting or stopping since a supervisor died, has the folder's pid file
 * and works in it. */
static bool
adopt(struct private_pg *pg)
{
	char pid[16];

	pg->pid = pid_in_file(&pg->home);
	snprintf(pid, sizeof pid, "%d", (int)pg->pid);
	pg->started = pg->reaped = false;
	if (pg->pid != 0 && works_in(pid, pg->home.data))
		return true;
	pg->pid = 0;
	return false;
}

static bool
bring_up(struct private_pg *pg, char *error, size_t error_size)
{
	char why[300] = "";
	int starts = 0;

	for (int waited = 0; waited < START_MS; waited += POLL_MS) {
		if (!private_pg_alive(pg) && !adopt(pg)) {
			/* Backends of a killed postmaster may still be going; PostgreSQL refuses
			 * to start beside them. */
			if (starts++ >= STARTS_MAX)
				break;
			if (starts > 1)
				pause_ms(200 * starts);
			remove_stale_pid_file(&pg->home);
			if (!spawn_postmaster(pg))
				break;
		}
		if (answers(&pg->home, why, sizeof why))
			return true;
		pause_ms(POLL_MS);
	}
	home_last_words(&pg->home, why, sizeof why);
	snprintf(error, error_size,
	    "The private PostgreSQL in %s does not start. The end of %s: %s", pg->home.dir,
	    pg->home.log, why);
	return false;
}

struct private_pg *
private_pg_start(const char *dir, const char *bin_dir, char *error, size_t error_size)
{
	struct private_pg *pg = mem_new(sizeof *pg);

	if (!home_prepare(&pg->home, dir, bin_dir, error, error_size)) {
		free(pg);
		return NULL;
	}
	if (!bring_up(pg, error, error_size) || !make_database(&pg->home, error, error_size)) {
		private_pg_stop(&pg, false);
		return NULL;
	}
	home_uri(&pg->home, DBNAME, pg->uri, sizeof pg->uri);
	sc_log(NULL, SC_LOG_INFO, pg->started ? "db.private_started" : "db.private_adopted",
	    "pid=%d", (int)pg->pid);
	return pg;
}

/* --- the rest --- */

static bool
wait_gone(struct private_pg *pg, int ms)
{
	for (; ms > 0 && private_pg_alive(pg); ms -= POLL_MS)
		pause_ms(POLL_MS);
	return !private_pg_alive(pg);
}

void
private_pg_stop(struct private_pg **taken, bool immediate)
{
	struct private_pg *pg = *taken;

	*taken = NULL;
	if (!pg)
		return;
	if (private_pg_alive(pg)) {
		kill(pg->pid, immediate ? SIGQUIT : SIGINT);
		if (!wait_gone(pg, STOP_MS)) {
			kill(pg->pid, SIGQUIT);
			(void)wait_gone(pg, QUIT_MS);
		}
	}
	free(pg);
}

const char *
private_pg_uri(const struct private_pg *pg)
{
	return pg->uri;
}

pid_t
private_pg_pid(const struct private_pg *pg)
{
	return pg->pid;
}
