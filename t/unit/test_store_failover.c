/* SPDX-License-Identifier: MIT */
/* The primary dies and its standby is promoted (reliability F5): nothing that was reported as
 * written is missing. */
#include "config.h"

#include <libpq-fe.h>

#include "base/buf.h"
#include "store_try.h"

static const struct sc_stmt make = {
	.name = "try_make",
	.types = "",
	.mode = SC_STMT_ATOMIC,
	.key = -1,
	.sql =
	    "create table log (seq bigint generated always as identity, who bigint, n bigint "
	    "unique)"
};
static const struct sc_stmt add = { .name = "try_add",
	.types = "ii",
	.mode = SC_STMT_WRITE,
	.key = 0,
	.repeatable = true,
	.sql = "insert into log (who, n) values ($1, $2) on conflict (n) do nothing" };
static const struct sc_stmt count = { .name = "try_count",
	.types = "",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql =
	    "select count(*), (select count(*) from log a join log b using (who) where a.seq < "
	    "b.seq and a.n > b.n), pg_is_in_recovery() from log" };
static const struct sc_stmt full = { .name = "try_full",
	.types = "",
	.mode = SC_STMT_WRITE,
	.key = -1,
	.sql = "do $$ begin raise exception 'no room' using errcode = '53100'; end $$" };
static const struct sc_stmt *const all[] = { &make, &add, &count, &full };

static struct private_pg *primary;
static char standby[80];
static int done_n, outcome[4];
static int64_t rows_n = -1, disorder = -1;

static void
see(void *arg, const struct sc_rows *rows)
{
	(void)arg;
	done_n++;
	outcome[sc_rows_status(rows)]++;
}

static void
see_count(void *arg, const struct sc_rows *rows)
{
	(void)arg;
	done_n++;
	if (sc_rows_count(rows) == 1) {
		rows_n = sc_row_int(rows, 0, 0);
		disorder = sc_row_int(rows, 0, 1);
	}
}

static void
sql(const char *uri, const char *text)
{
	PGconn *conn = PQconnectdb(uri);

	PQclear(PQexec(conn, text));
	PQfinish(conn);
}

static void
append(const char *name, const char *text)
{
	FILE *file = fopen(try_path(name), "a");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

/* Runs one of PostgreSQL's programs. */
static bool
program(const char *fmt, ...)
{
	struct buf text = { 0 };
	char bin[200], *line;
	va_list args;
	bool good;

	snprintf(bin, sizeof bin, "/usr/lib/postgresql/%d/bin", PQlibVersion() / 10000);
	va_start(args, fmt);
	good = vasprintf(&line, fmt, args) > 0;
	va_end(args);
	if (!good)
		return false;
	buf_format(&text, "%s/%s >>%s 2>&1 </dev/null", access(bin, X_OK) == 0 ? bin : "/usr/bin",
	    line, try_path("programs.log"));
	good = system(text.p) == 0;
	buf_free(&text);
	free(line);
	return good;
}

static bool
start_standby(void)
{
	mkdir(standby, 0700);
	append("pg/data/pg_hba.conf", "local replication all peer map=own\n");
	sql(private_pg_uri(primary), "select pg_reload_conf()");
	if (!program(
		"pg_basebackup -h %s -D %s/data -R -X stream -c fast --no-sync -d "
		"'dbname=replication application_name=standby'",
		try_path("pg"), standby))
		return false;
	append("standby/stonechat.conf",
	    "listen_addresses = ''\nmax_connections = 120\nhot_standby = on\n");
	if (!program("pg_ctl -D %s/data -s -w -o \"-c unix_socket_directories=%s\" start", standby,
		standby))
		return false;
	/* What is committed is on both, or not committed. */
	append("pg/local.conf", "synchronous_standby_names = 'standby'\n");
	sql(private_pg_uri(primary), "select pg_reload_conf()");
	sql(private_pg_uri(primary),
	    "do $$ begin while not exists (select from pg_stat_replication where sync_state = "
	    "'sync') loop perform pg_sleep(0.1), pg_stat_clear_snapshot(); end loop; perform "
	    "pg_sleep(0.3); end $$");
	return true;
}

static void
load(int from, int n)
{
	for (int i = from; i < from + n; i++)
		store_run(try_store, &add, SC_ARGS(sc_int(i % 7), sc_int(i)), see, NULL);
}

static void
full_disk(void)
{
	done_n = 0;
	memset(outcome, 0, sizeof outcome);
	load(0, 3);
	store_run(try_store, &full, SC_NO_ARGS, see, NULL);
	load(3, 3);
	try_until(&done_n, 7);
	ok(outcome[SC_DB_BUSY] == 1 && outcome[SC_DB_OK] == 6,
	    "a full disk is like an outage, and only for what met it");
	store_run(try_store, &full, SC_NO_ARGS, see, NULL);
	try_until(&done_n, 8);
	is_text(store_trouble(), "the database refuses writes: no room or no resources",
	    "this is no readiness");
	load(6, 1);
	try_until(&done_n, 9);
	is_text(store_trouble(), NULL, "until a write succeeds");
}

static void
fail_over(void)
{
	enum { N = 5000 };
	int sent = 0;

	done_n = 0;
	memset(outcome, 0, sizeof outcome);
	for (int i = 0; i < 20; i++, sent += 50) {
		load(1000 + sent, 50);
		try_turn();
	}
	private_pg_stop(&primary, true);
	load(1000 + sent, 500);
	sent += 500;
	try_turn();
	ok(program("pg_ctl -D %s/data -s -w promote", standby), "the standby is promoted");
	while (sent < N) {
		load(1000 + sent, 50);
		sent += 50;
		try_turn();
	}
	try_until(&done_n, N);
	is_int(outcome[SC_DB_OK], N, "all is written");
	ok(try_ready(), "the connections go to the new primary");
	done_n = 0;
	store_run(try_store, &count, SC_NO_ARGS, see_count, NULL);
	try_until(&done_n, 1);
	is_int(rows_n, N + 7, "all rows are there, each once");
	is_int(disorder, 0, "in order");
}

static int
test(void)
{
	struct store_conf conf;
	char uri[200];

	primary = try_pg();
	store_register(all, N_ELEMENTS(all));
	snprintf(standby, sizeof standby, "%s", try_path("standby"));
	/* As an operator writes it: both hosts, in any order. */
	snprintf(uri, sizeof uri, "host=%s,%s dbname=stonechat", standby, try_path("pg"));
	conf = try_conf(primary);
	conf.uri = uri;
	try_open(&conf);
	ok(try_ready(), "connected to the one that is there");
	done_n = 0;
	store_run(try_store, &make, SC_NO_ARGS, see, NULL);
	try_until(&done_n, 1);
	full_disk();
	if (ok(start_standby(), "a standby is made"))
		fail_over();
	try_close();
	program("pg_ctl -D %s/data -s -m immediate stop", standby);
	private_pg_stop(&primary, true);
	store_unregister_all();
	return done_testing();
}

int
main(void)
{
	return try_as_nobody(test);
}
