/* SPDX-License-Identifier: MIT */
/*
 * The database goes away: what is replayed, what is uncertain, what is refused, and that nothing is
 * lost, doubled or reordered over a dozen crashes under load.
 */
#include "config.h"

#include <libpq-fe.h>

#include "store_try.h"

static const struct sc_stmt make = {
	.name = "try_make",
	.types = "",
	.mode = SC_STMT_ATOMIC,
	.key = -1,
	.sql =
	    "create table log (seq bigint generated always as identity, who bigint, n bigint "
	    "unique, tries int)"
};
static const struct sc_stmt add_once = { .name = "try_add_once",
	.types = "ii",
	.mode = SC_STMT_WRITE,
	.key = 0,
	.repeatable = true,
	.sql = "insert into log (who, n) values ($1, $2) on conflict (n) do nothing" };
static const struct sc_stmt add = { .name = "try_add",
	.types = "ii",
	.mode = SC_STMT_WRITE,
	.key = 0,
	.sql = "insert into log (who, n) values ($1, $2)" };
static const struct sc_stmt linger = { .name = "try_linger",
	.types = "i",
	.mode = SC_STMT_WRITE,
	.key = 0,
	.repeatable = true,
	.sql = "select count(pg_sleep(0.5)), $1" };
static const struct sc_stmt count = { .name = "try_count",
	.types = "",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql =
	    "select count(*), (select count(*) from log a join log b using (who) where a.seq < "
	    "b.seq and a.n > b.n) from log" };
static const struct sc_stmt kill_me = { .name = "try_kill_me",
	.types = "",
	.mode = SC_STMT_WRITE,
	.key = -1,
	.repeatable = true,
	.sql = "select pg_terminate_backend(pg_backend_pid())" };
static const struct sc_stmt *const all[] = { &make, &add_once, &add, &linger, &count, &kill_me };

struct seen {
	int n, order;
	enum sc_db_status status;
	int64_t a, b;
};

static int done_n;
static struct private_pg *pg;

static void
see(void *arg, const struct sc_rows *rows)
{
	struct seen *seen = arg;

	seen->order = ++done_n;
	seen->n++;
	seen->status = sc_rows_status(rows);
	if (sc_rows_count(rows) > 0) {
		seen->a = sc_row_int(rows, 0, 0);
		seen->b = sc_row_int(rows, 0, 1);
	}
}

static void
run(const struct sc_stmt *stmt, struct sc_args args, struct seen *seen)
{
	store_run(try_store, stmt, args, see, seen);
}

static void
turns(int n)
{
	while (n-- > 0)
		try_turn();
}

static void
crash(void)
{
	private_pg_stop(&pg, true);
}

static void
replayed_or_uncertain(void)
{
	struct seen held = { 0 }, sent[4] = { 0 }, waiting[2] = { 0 }, read = { 0 };

	done_n = 0;
	/* Under way when the server dies: the batch lingers. */
	run(&linger, SC_ARGS(sc_int(1)), &held);
	run(&add_once, SC_ARGS(sc_int(1), sc_int(1)), &sent[0]);
	run(&add, SC_ARGS(sc_int(1), sc_int(2)), &sent[1]);
	run(&add_once, SC_ARGS(sc_int(1), sc_int(3)), &sent[2]);
	turns(3);
	/* Not sent yet. */
	run(&add, SC_ARGS(sc_int(1), sc_int(4)), &waiting[0]);
	run(&add_once, SC_ARGS(sc_int(1), sc_int(5)), &waiting[1]);
	turns(1);
	crash();
	turns(3);
	run(&count, SC_NO_ARGS, &read);
	turns(3);
	ok(!store_ready(try_store) && store_last_error(try_store)[0], "away: %s",
	    store_last_error(try_store));
	is_text(store_trouble(), "the database is away", "and everybody may know");
	ok(sent[1].n == 0, "what is uncertain waits for its turn behind what is repeated");
	pg = try_pg();
	try_until(&done_n, 7);
	is_int(sent[0].status, SC_DB_OK, "a repeatable write is repeated");
	is_int(sent[1].status, SC_DB_UNCERTAIN, "another one is uncertain");
	is_int(sent[2].status, SC_DB_OK, "the next repeatable one is repeated too");
	is_int(waiting[0].status, SC_DB_OK, "what was not sent yet is just sent later");
	is_int(waiting[1].status, SC_DB_OK, "of either kind");
	is_int(read.status, SC_DB_OK, "a read waits for the connection");
	ok(held.order < sent[0].order && sent[0].order < sent[1].order &&
		sent[1].order < sent[2].order && sent[2].order < waiting[0].order &&
		waiting[0].order < waiting[1].order,
	    "all in the order given");
	done_n = 0;
	ok(try_ready(), "back");
	is_text(store_trouble(), NULL, "and well");
	is_text(store_last_error(try_store), "", "and no error is shown any more");
	run(&count, SC_NO_ARGS, &read);
	try_until(&done_n, 1);
	is_int(read.a, 4, "the rows are there");
	is_int(read.b, 0, "in order");
}

static void
poison(void)
{
	struct seen killer = { 0 }, good[2] = { 0 };

	done_n = 0;
	run(&add_once, SC_ARGS(sc_int(2), sc_int(10)), &good[0]);
	run(&kill_me, SC_NO_ARGS, &killer);
	run(&add_once, SC_ARGS(sc_int(2), sc_int(11)), &good[1]);
	try_until(&done_n, 3);
	is_int(killer.status, SC_DB_UNCERTAIN,
	    "an operation that breaks each connection is given up");
	ok(good[0].status == SC_DB_OK && good[1].status == SC_DB_OK, "and its neighbours succeed");
}

/* Load over crashes; afterwards the rows must be what was reported. */
static void
crashes_under_load(void)
{
	enum { N = 6000 };
	static struct seen seen[N];
	struct seen read = { 0 }, before = { 0 };
	int outcome[4] = { 0 }, next = 0, wrong = 0, crashes = 0;

	done_n = 0;
	run(&count, SC_NO_ARGS, &before);
	try_until(&done_n, 1);
	done_n = 0;
	for (int round = 0; next < N; round++) {
		for (int i = 0; i < 100 && next < N; i++, next++)
			run(next % 3 ? &add_once : &add,
			    SC_ARGS(sc_int(10 + next % 7), sc_int(100 + next)), &seen[next]);
		turns(1);
		if (round % 10 == 5) {
			crash();
			crashes++;
			turns(2);
			pg = try_pg();
		}
	}
	try_until(&done_n, N);
	is_int(done_n, N, "%d crashes: all complete", crashes);
	for (int i = 0; i < N; i++) {
		wrong += seen[i].n != 1;
		outcome[seen[i].status]++;
		/* only what may not be repeated */
		wrong += seen[i].status == SC_DB_UNCERTAIN && i % 3 != 0;
	}
	is_int(wrong, 0, "each once, and nothing repeatable is uncertain");
	is_int(outcome[SC_DB_FAILED] + outcome[SC_DB_BUSY], 0, "none failed, none was refused");
	done_n = 0;
	run(&count, SC_NO_ARGS, &read);
	try_until(&done_n, 1);
	read.a -= before.a;
	ok(read.a >= outcome[SC_DB_OK] && read.a <= outcome[SC_DB_OK] + outcome[SC_DB_UNCERTAIN],
	    "%d written, %d uncertain, %d rows", outcome[SC_DB_OK], outcome[SC_DB_UNCERTAIN],
	    (int)read.a);
	is_int(read.b, 0, "the rows of each key are in order");
}

static void
too_long_away(void)
{
	struct store_conf conf = try_conf(pg);
	struct seen sent = { 0 }, held = { 0 }, waiting = { 0 }, late = { 0 }, read = { 0 };

	conf.outage_ms = 300;
	conf.read_timeout_ms = 200;
	try_open(&conf);
	try_ready();
	done_n = 0;
	run(&linger, SC_ARGS(sc_int(1)), &held);
	run(&add_once, SC_ARGS(sc_int(3), sc_int(20)), &sent);
	turns(3);
	run(&add_once, SC_ARGS(sc_int(3), sc_int(21)), &waiting);
	crash();
	turns(2);
	run(&count, SC_NO_ARGS, &read);
	try_until(&done_n, 4);
	is_int(waiting.status, SC_DB_BUSY, "what waited in vain is refused");
	is_int(sent.status, SC_DB_UNCERTAIN, "what was sent before may have happened");
	is_int(read.status, SC_DB_BUSY, "a read is refused at its deadline");
	ok(store_busy(try_store), "busy");
	done_n = 0;
	run(&add, SC_ARGS(sc_int(3), sc_int(22)), &late);
	turns(1);
	is_int(late.n, 1, "what comes now is refused at once");
	is_int(late.status, SC_DB_BUSY, "as busy");
	pg = try_pg();
	ok(try_ready(), "it recovers by itself");
	done_n = 0;
	run(&add, SC_ARGS(sc_int(3), sc_int(22)), &late);
	try_until(&done_n, 1);
	is_int(late.status, SC_DB_OK, "and writes again");
	try_close();
}

static void
sql(const char *text)
{
	PGconn *conn = PQconnectdb(private_pg_uri(pg));

	PQclear(PQexec(conn, text));
	PQfinish(conn);
}

/* Backends of ours that wait for somebody's lock. */
static int
blocked(PGconn *conn)
{
	PGresult *res = PQexec(conn, "select count(*) from pg_stat_activity where wait_event_type "
	    "= 'Lock' and application_name = 'stonechat-worker test'");
	int n = PQresultStatus(res) == PGRES_TUPLES_OK ? atoi(PQgetvalue(res, 0, 0)) : -1;

	PQclear(res);
	return n;
}

/* Somebody locks the table and goes for coffee. */
static void
stuck(void)
{
	struct store_conf conf = try_conf(pg);
	struct seen once = { 0 }, plain = { 0 }, behind = { 0 }, read = { 0 }, before = { 0 };
	PGconn *conn = PQconnectdb(private_pg_uri(pg));
	bool trouble = false;
	int most = 0;

	conf.write_timeout_ms = 300;
	conf.outage_ms = 200;
	try_open(&conf);
	try_ready();
	done_n = 0;
	run(&count, SC_NO_ARGS, &before);
	try_until(&done_n, 1);
	PQclear(PQexec(conn, "begin; lock table log in exclusive mode"));
	done_n = 0;
	run(&add_once, SC_ARGS(sc_int(5), sc_int(40)), &once);
	run(&add, SC_ARGS(sc_int(5), sc_int(41)), &plain);
	turns(3);
	run(&add_once, SC_ARGS(sc_int(5), sc_int(42)), &behind);
	for (int64_t end = try_ms() + 1200; try_ms() < end;) {
		int n = blocked(conn);

		most = n > most ? n : most;
		trouble = trouble || sc_same(store_trouble(), "the database does not answer");
		try_turn();
	}
	ok(trouble, "this is no readiness");
	is_int(most, 1, "a connection that does not answer is replaced, and its process ended");
	PQclear(PQexec(conn, "commit"));
	try_until(&done_n, 3);
	is_int(once.status, SC_DB_OK, "what may be repeated is written when the lock is gone");
	is_int(plain.status, SC_DB_UNCERTAIN, "what may not be repeated is uncertain");
	is_int(behind.status, SC_DB_OK, "what waited behind it is written");
	done_n = 0;
	run(&count, SC_NO_ARGS, &read);
	try_until(&done_n, 1);
	is_int(read.a, before.a + 2, "and the ended process has written nothing");
	PQfinish(conn);
	try_close();
}

static void
read_only(void)
{
	struct store_conf conf = try_conf(pg);
	struct seen one = { 0 }, two = { 0 };

	conf.outage_ms = 600;
	try_open(&conf);
	try_ready();
	/* As after a failover, when the old primary comes back as a standby: connections live,
	 * writes are refused. */
	sql("alter system set default_transaction_read_only = on");
	sql("select pg_reload_conf()");
	turns(10);
	done_n = 0;
	run(&add, SC_ARGS(sc_int(4), sc_int(30)), &one);
	try_until(&done_n, 1);
	is_int(one.status, SC_DB_BUSY, "a read-only server is like none");
	ok(!store_ready(try_store), "and is left: %s", store_last_error(try_store));
	sql("alter system reset default_transaction_read_only");
	sql("select pg_reload_conf()");
	ok(try_ready(), "until it takes writes again");
	done_n = 0;
	run(&add, SC_ARGS(sc_int(4), sc_int(30)), &two);
	try_until(&done_n, 1);
	is_int(two.status, SC_DB_OK, "then it is used");
	try_close();
}

static void
predecessors(void)
{
	struct store_conf conf = try_conf(pg);
	char *hidden;

	try_open(&conf);
	try_ready();
	ok(store_end_predecessors(private_pg_uri(pg), "stonechat-worker", "stonechat-worker 2",
	       try_error, sizeof try_error),
	    "earlier workers' connections are ended");
	turns(2);
	ok(!store_ready(try_store), "ours was one of them");
	ok(try_ready(), "and comes back");
	try_close();
	ok(store_check_server(private_pg_uri(pg), 60, false, try_error, sizeof try_error),
	    "the private server is good enough");
	ok(!store_check_server(private_pg_uri(pg), 1000, false, try_error, sizeof try_error),
	    "room: %s", try_error);
	ok(!store_check_server(
	       "host=/nowhere password=secret", 1, false, try_error, sizeof try_error),
	    "nobody there: %s", try_error);
	hidden = strstr(try_error, "secret");
	ok(!store_check_server(
	       "postgres://me:sec%ret@host/x", 1, false, try_error, sizeof try_error),
	    "not an address: %s", try_error);
	ok(!hidden && !strstr(try_error, "ret"), "no password in what is said");
}

static int
test(void)
{
	struct store_conf conf;

	pg = try_pg();
	store_register(all, sizeof all / sizeof *all);
	conf = try_conf(pg);
	try_open(&conf);
	try_ready();
	{
		struct seen seen = { 0 };

		run(&make, SC_NO_ARGS, &seen);
		try_until(&done_n, 1);
		is_int(seen.status, SC_DB_OK, "a table to play with");
	}
	replayed_or_uncertain();
	poison();
	crashes_under_load();
	try_close();
	too_long_away();
	stuck();
	read_only();
	predecessors();
	private_pg_stop(&pg, false);
	store_unregister_all();
	return done_testing();
}

int
main(void)
{
	return try_as_nobody(test);
}
