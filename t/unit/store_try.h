/* SPDX-License-Identifier: MIT */
/*
 * store_try: what the tests of the store share. A test runs in a child as an unprivileged user,
 * with a folder of its own and a private PostgreSQL in it; the parent sweeps up after it, also when
 * it dies.
 */
#ifndef STORE_TRY_H
#define STORE_TRY_H

#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "store/store.h"
#include "tap.h"

static char try_dir[64];                /* ours; STATE of the test */
static char try_error[500];
static struct event_base *try_base;
static struct store *try_store;

static inline const char *
try_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", try_dir, name);
	return path;
}

static inline int
try_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* One file of the source tree, read before the rights are given up. */
static inline void
try_copy(const char *from, const char *to)
{
	char bytes[65536];
	const char *source = getenv("STONECHAT_SOURCE");
	char path[PATH_MAX];
	FILE *in, *out = fopen(try_path(to), "w");
	size_t n;

	snprintf(path, sizeof path, "%s/%s", source ? source : ".", from);
	in = fopen(path, "r");
	while (in && out && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
		fwrite(bytes, 1, n, out);
	if (!in || !out) {
		printf("Bail out! cannot copy %s\n", path);
		exit(1);
	}
	fclose(in);
	fclose(out);
}

static inline void
try_end(const char *pid_file)
{
	FILE *file = fopen(try_path(pid_file), "r");
	int pid = 0;

	if (!file)
		return;
	if (fscanf(file, "%d", &pid) == 1 && pid > 1 && kill(pid, SIGQUIT) == 0)
		for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
			usleep(10000);
	fclose(file);
}

static inline void
try_sweep(void)
{
	try_end("pg/data/postmaster.pid");
	try_end("standby/data/postmaster.pid");
	nftw(try_dir, try_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Runs test() in a child and gives back its exit code. */
static inline int
try_as_nobody(int (*test)(void))
{
	const struct passwd *nobody = getpwnam("nobody");
	int status = 0;
	pid_t pid;

	strcpy(try_dir, "/tmp/store-test.XXXXXX");
	if (!mkdtemp(try_dir) || mkdir(try_path("schema"), 0755) < 0)
		return 1;
	try_copy("schema/0001-hosts-users.sql", "schema/0001-hosts-users.sql");
	try_copy("schema/0002-roster.sql", "schema/0002-roster.sql");
	try_copy("schema/0003-spool.sql", "schema/0003-spool.sql");
	if (geteuid() == 0 && (!nobody || chown(try_dir, nobody->pw_uid, nobody->pw_gid) < 0 ||
	    chown(try_path("schema"), nobody->pw_uid, nobody->pw_gid) < 0))
		return 1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) < 0 || setgid(nobody->pw_gid) < 0 ||
			setuid(nobody->pw_uid) < 0))
			exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(test());
	}
	waitpid(pid, &status, 0);
	try_sweep();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static inline struct private_pg *
try_pg(void)
{
	struct private_pg *pg = private_pg_start(try_path("pg"), NULL, try_error, sizeof try_error);

	if (!pg) {
		printf("Bail out! %s\n", try_error);
		exit(1);
	}
	return pg;
}

/* --- a store on a loop of its own --- */

static inline void
try_turn(void)
{
	struct timeval tv = { 0, 20000 };

	store_flush(try_store);
	event_base_loopexit(try_base, &tv);
	event_base_loop(try_base, EVLOOP_ONCE);
	store_flush(try_store);
}

static inline int64_t
try_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Turns until *count reaches n, at most a minute. */
static inline void
try_until(const int *count, int n)
{
	for (int64_t end = try_ms() + 60000; *count < n && try_ms() < end;)
		try_turn();
}

static inline bool
try_ready(void)
{
	for (int64_t end = try_ms() + 60000; !store_ready(try_store) && try_ms() < end;)
		try_turn();
	return store_ready(try_store);
}

static inline struct store_conf
try_conf(const struct private_pg *pg)
{
	return (struct store_conf){ .uri = private_pg_uri(pg),
		.writers = 1,
		.readers = 1,
		.queue_max_bytes = 1 << 20,
		.outage_ms = 60000,
		.write_timeout_ms = 60000,
		.read_timeout_ms = 30000,
		.app_name = "stonechat-worker test" };
}

static inline void
try_open(const struct store_conf *conf)
{
	try_base = event_base_new();
	try_store = store_open(try_base, conf);
}

static inline void
try_close(void)
{
	store_close(&try_store);
	event_base_free(try_base);
}

#endif
