/* SPDX-License-Identifier: MIT */
/* The private PostgreSQL: made, adopted, restarted after a crash, stopped; and what is refused
 * with which sentence. */
#include "config.h"

#include <libpq-fe.h>

#include "store_try.h"

static int
query(const struct private_pg *pg, const char *text)
{
	PGconn *conn = PQconnectdb(private_pg_uri(pg));
	PGresult *res = PQexec(conn, text);
	int n = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res)
	    ? atoi(PQgetvalue(res, 0, 0))
	    : -1;

	PQclear(res);
	PQfinish(conn);
	return n;
}

static void
put(const char *name, const char *text)
{
	FILE *file = fopen(try_path(name), "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static void
refused(const char *dir, const char *bin, const char *word, const char *what)
{
	struct private_pg *pg;

	try_error[0] = '\0';
	pg = private_pg_start(dir, bin, try_error, sizeof try_error);
	ok(!pg && strstr(try_error, word), "%s: %s", what, try_error);
	private_pg_stop(&pg, true);
}

static void
as_root(void)
{
	refused(try_path("pg"), NULL, "root", "root");
}

static void
lives(void)
{
	struct private_pg *pg, *again;
	struct stat st;
	pid_t first;
	char text[120];

	/* A start that was interrupted left this. */
	mkdir(try_path("pg"), 0700);
	mkdir(try_path("pg/data.new"), 0700);
	put("pg/data.new/PG_VERSION", "15\n");
	pg = try_pg();
	ok(pg && private_pg_alive(pg), "made and started");
	ok(stat(try_path("pg/data.new"), &st) < 0, "the rest of an interrupted start is gone");
	ok(stat(try_path("pg"), &st) == 0 && (st.st_mode & 0777) == 0700,
	    "the folder is for its owner only");
	is_int(query(pg, "select count(*) from pg_settings where setting = 'on' and name in "
	    "('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums')"), 4,
	    "safe settings and checksums");
	is_int(query(pg, "select count(*) from pg_settings where name = 'listen_addresses' "
	    "and setting <> ''"), 0, "no TCP");
	is_int(query(pg, "select count(*) from pg_database where datname = 'stonechat' and "
	    "pg_encoding_to_char(encoding) = 'UTF8' and datcollate = 'C.UTF-8'"), 1,
	    "a database in UTF-8");
	first = private_pg_pid(pg);

	again = try_pg();
	is_int(private_pg_pid(again), first, "a living one is adopted");
	private_pg_stop(&again, false);
	ok(!private_pg_alive(pg), "and stopped by whoever adopted it");
	private_pg_stop(&pg, false);

	pg = try_pg();
	query(pg, "create table kept (a int)");
	kill(private_pg_pid(pg), SIGKILL);
	for (int i = 0; i < 200 && private_pg_alive(pg); i++)
		usleep(10000);
	ok(!private_pg_alive(pg), "killed, it is not alive");
	private_pg_stop(&pg, false);
	pg = try_pg();
	is_int(query(pg, "select count(*) from kept"), 0, "started again, it has recovered");
	private_pg_stop(&pg, true);

	/* The machine crashed, and the number now belongs to somebody else of our user. */
	snprintf(text, sizeof text, "%d\n%s/pg/data\n", (int)getpid(), try_dir);
	put("pg/data/postmaster.pid", text);
	pg = try_pg();
	ok(private_pg_alive(pg) && private_pg_pid(pg) != getpid(),
	    "a stale postmaster.pid with a living number is no obstacle");
	put("pg/local.conf", "work_mem = '7MB'\n");
	private_pg_stop(&pg, false);
	pg = try_pg();
	is_int(query(pg, "select setting from pg_settings where name = 'work_mem'"), 7168,
	    "local.conf is read");
	private_pg_stop(&pg, false);
}

static void
sentences(void)
{
	char dir[PATH_MAX], bin[PATH_MAX];
	struct private_pg *pg;

	refused(try_path("a/b"), NULL, "a/b", "a folder that cannot be made");
	snprintf(dir, sizeof dir, "%s/%0*d", try_dir, 90, 0);
	refused(dir, NULL, "too long", "a path that is too long");
	refused(try_path("pg"), "/usr/bin", "/usr/bin", "no programs");
	put("pg/local.conf", "nonsense = on\n");
	refused(try_path("pg"), NULL, "local.conf", "a broken local.conf");
	unlink(try_path("pg/local.conf"));
	put("pg/data/PG_VERSION", "9\n");
	refused(try_path("pg"), NULL, "pg_dump", "the data of another version");
	put("pg/data/PG_VERSION", "15\n");

	/* A quote in the path, and programs where we say. */
	snprintf(dir, sizeof dir, "%s/it's \\ here", try_dir);
	pg = private_pg_start(dir, NULL, try_error, sizeof try_error);
	ok(pg && query(pg, "select 1") == 1, "a path with quotes");
	private_pg_stop(&pg, true);
	snprintf(bin, sizeof bin, "/usr/lib/postgresql/%d/bin", PQlibVersion() / 10000);
	pg = private_pg_start(try_path("pg2"), bin, try_error, sizeof try_error);
	if (access(bin, X_OK) == 0)
		ok(pg && query(pg, "select 1") == 1, "programs from the folder given");
	private_pg_stop(&pg, true);
}

static int
test(void)
{
	if (geteuid() == 0)
		return 1;
	lives();
	sentences();
	return done_testing();
}

int
main(void)
{
	strcpy(try_dir, "/nowhere");
	if (geteuid() == 0)
		as_root();
	return try_as_nobody(test);
}
