/* SPDX-License-Identifier: MIT */
/* Batches, order, failures in the middle, reads, and every type there and back, against
 * a real PostgreSQL. */
#include "config.h"

#include "base/budget.h"
#include "store_try.h"

static const struct sc_stmt make = { .name = "try_make",
	.types = "",
	.mode = SC_STMT_ATOMIC,
	.key = -1,
	.sql =
	    "create table log (seq bigint generated always as identity, who bigint, n bigint, word "
	    "text unique, tx text default pg_current_xact_id()::text)" };
static const struct sc_stmt add = { .name = "try_add",
	.types = "iit",
	.mode = SC_STMT_WRITE,
	.key = 0,
	.sql = "insert into log (who, n, word) values ($1, $2, $3)" };
static const struct sc_stmt add_alone = { .name = "try_add_alone",
	.types = "iit",
	.mode = SC_STMT_ATOMIC,
	.key = 0,
	.sql = "insert into log (who, n, word) values ($1, $2, $3)" };
static const struct sc_stmt numbers = { .name = "try_numbers",
	.types = "",
	.mode = SC_STMT_ATOMIC,
	.key = -1,
	.sql = "create table numbers (n bigint primary key)" };
static const struct sc_stmt fill = { .name = "try_fill",
	.types = "",
	.mode = SC_STMT_WRITE,
	.key = -1,
	.sql = "insert into numbers select generate_series(0, 76)" };
static const struct sc_stmt check_later = {
	.name = "try_check_later",
	.types = "",
	.mode = SC_STMT_ATOMIC,
	.key = -1,
	.sql =
	    "alter table log add constraint later foreign key (n) references numbers deferrable "
	    "initially deferred not valid"
};
static const struct sc_stmt check_never = { .name = "try_check_never",
	.types = "",
	.mode = SC_STMT_ATOMIC,
	.key = -1,
	.sql = "alter table log drop constraint later" };
static const struct sc_stmt summary = { .name = "try_summary",
	.types = "",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql = "select count(*), count(distinct tx) from log" };
static const struct sc_stmt disorder = { .name = "try_disorder",
	.types = "",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql =
	    "select count(*) from log a join log b using (who) where a.seq < b.seq and a.n > b.n" };
static const struct sc_stmt echo = {
	.name = "try_echo",
	.types = "itbIT",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql =
	    "select $1, $2, $3, $4, $5, $1::int, true, null::text, '{\"a\": 1}'::jsonb, "
	    "$1::smallint"
};
static const struct sc_stmt slow = { .name = "try_slow",
	.types = "i",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql = "select pg_sleep($1::float8 / 1000)" };
static const struct sc_stmt bad = { .name = "try_bad", .types = "", .mode = SC_STMT_READ, .key = -1,
	.sql = "select nothing from nowhere" };
static const struct sc_stmt sneaky = {
	.name = "try_sneaky", .types = "", .mode = SC_STMT_READ, .key = -1, .sql = "delete from log"
};
static const struct sc_stmt many = { .name = "try_many",
	.types = "IT",
	.mode = SC_STMT_WRITE,
	.key = -1,
	.sql = "insert into log (who, n, word) select 9, * from unnest($1, $2)" };
static const struct sc_stmt bulky = { .name = "try_bulky",
	.types = "t",
	.mode = SC_STMT_READ,
	.key = -1,
	.sql = "select repeat($1, 1000) from generate_series(1, 1000)" };
static const struct sc_stmt *const all[] = { &make, &add, &add_alone, &numbers, &fill, &check_later,
	&check_never, &summary, &disorder, &echo, &slow, &bad, &sneaky, &many, &bulky };

struct seen {
	int n, order;
	enum sc_db_status status;
	char state[6];
	int64_t a, b;
};

static int done_n;

static void
see(void *arg, const struct sc_rows *rows)
{
	struct seen *seen = arg;

	done_n++;
	if (!seen)
		return;
	seen->n++;
	seen->order = done_n;
	seen->status = sc_rows_status(rows);
	strcpy(seen->state, sc_rows_state(rows));
	if (sc_rows_count(rows) > 0 && !sc_row_null(rows, 0, 0)) {
		seen->a = sc_row_int(rows, 0, 0);
		seen->b = sc_row_int(rows, 0, 1);
	}
}

static void
see_one(void *arg, const struct sc_rows *rows)
{
	*(int64_t *)arg = sc_rows_count(rows) == 1 ? sc_row_int(rows, 0, 0) : -1;
	done_n++;
}

/* Counts rows and transactions of the log. */
static struct seen
sum(void)
{
	struct seen seen = { 0 };

	store_run(try_store, &summary, SC_NO_ARGS, see, &seen);
	try_until(&seen.n, 1);
	return seen;
}

static void
one_commit_a_batch(void)
{
	struct seen seen[100] = { 0 }, s;
	char word[20];

	done_n = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(word, sizeof word, "w%d", i);
		store_run(try_store, &add, SC_ARGS(sc_int(i % 3), sc_int(i), sc_text(word)), see,
		    &seen[i]);
	}
	is_int(done_n, 0, "nothing completes from inside store_run");
	is_int(store_waiting(try_store), 100, "a hundred wait");
	try_until(&done_n, 100);
	is_int(done_n, 100, "a hundred have completed");
	is_int(store_waiting(try_store), 0, "nothing waits");
	for (int i = 0; i < 100; i++)
		if (seen[i].n != 1 || seen[i].order != i + 1 || seen[i].status != SC_DB_OK)
			ok(false, "operation %d completes once, in order, with OK", i);
	s = sum();
	is_int(s.a, 100, "a hundred rows");
	is_int(s.b, 1, "in one transaction");
}

static void
the_culprit_alone(void)
{
	struct seen seen[50] = { 0 }, before = sum(), s;
	char word[20];
	int64_t wrong = -1;

	done_n = 0;
	for (int i = 0; i < 50; i++) {
		/* two that are there already */
		snprintf(word, sizeof word, "x%d", i == 20 || i == 30 ? 3 : i);
		store_run(try_store, &add, SC_ARGS(sc_int(i % 3), sc_int(1000 + i), sc_text(word)),
		    see, &seen[i]);
	}
	try_until(&done_n, 50);
	for (int i = 0; i < 50; i++) {
		bool culprit = i == 20 || i == 30;

		if (seen[i].status != (culprit ? SC_DB_FAILED : SC_DB_OK) || seen[i].order != i + 1)
			ok(false, "operation %d: status %d, order %d", i, seen[i].status,
			    seen[i].order);
	}
	is_text(seen[20].state, "23505", "the culprit has its SQLSTATE");
	is_text(seen[21].state, "", "its neighbour has none");
	s = sum();
	is_int(s.a - before.a, 48, "all but the culprits are there");
	store_run(try_store, &disorder, SC_NO_ARGS, see_one, &wrong);
	done_n = 0;
	try_until(&done_n, 1);
	is_int(wrong, 0, "and the rows of each key are in order");
}

static void
atomic_alone(void)
{
	struct seen before = sum(), s;

	done_n = 0;
	store_run(try_store, &add, SC_ARGS(sc_int(5), sc_int(1), sc_text("a1")), see, NULL);
	store_run(try_store, &add, SC_ARGS(sc_int(5), sc_int(2), sc_text("a2")), see, NULL);
	store_run(try_store, &add_alone, SC_ARGS(sc_int(5), sc_int(3), sc_text("a3")), see, NULL);
	/* fails */
	store_run(try_store, &add_alone, SC_ARGS(sc_int(5), sc_int(4), sc_text("a3")), see, NULL);
	store_run(try_store, &add, SC_ARGS(sc_int(5), sc_int(5), sc_text("a5")), see, NULL);
	try_until(&done_n, 5);
	s = sum();
	is_int(s.a - before.a, 4, "atomic: the failed one is missing, nothing else");
	is_int(s.b - before.b, 3, "atomic: a transaction of its own");
}

static void
failing_commit(void)
{
	struct seen before, s, seen[10] = { 0 };
	char word[20];

	done_n = 0;
	store_run(try_store, &numbers, SC_NO_ARGS, see, NULL);
	store_run(try_store, &fill, SC_NO_ARGS, see, NULL);
	store_run(try_store, &check_later, SC_NO_ARGS, see, &seen[0]);
	try_until(&done_n, 3);
	is_int(seen[0].status, SC_DB_OK, "a constraint that is checked at commit");
	seen[0] = (struct seen){ 0 };
	before = sum();
	done_n = 0;
	for (int i = 0; i < 10; i++) {
		snprintf(word, sizeof word, "c%d", i);
		store_run(try_store, &add,
		    SC_ARGS(sc_int(6), sc_int(i == 4 ? 77 : 1), sc_text(word)), see, &seen[i]);
	}
	try_until(&done_n, 10);
	s = sum();
	is_int(s.a - before.a, 9, "all but the one that cannot be committed");
	is_int(seen[4].status, SC_DB_FAILED, "and that one failed");
	is_text(seen[4].state, "23503", "with the reason");
	store_run(try_store, &check_never, SC_NO_ARGS, see, &seen[4]);
	done_n = 0;
	try_until(&done_n, 1);
}

static void
there_and_back(void *arg, const struct sc_rows *rows)
{
	struct sc_span texts[4];
	int64_t ints[4];

	(void)arg;
	done_n++;
	is_int(sc_rows_count(rows), 1, "echo: a row");
	if (sc_rows_count(rows) != 1)
		return;
	is_int(sc_row_int(rows, 0, 0), -5, "bigint");
	is_text(sc_row_text(rows, 0, 1).p, "Grüße 'n' \"so\"", "text");
	ok(sc_row_text(rows, 0, 2).n == 4 && memcmp(sc_row_text(rows, 0, 2).p, "\0\1\377x", 4) == 0,
	    "bytea");
	is_int(sc_row_ints(rows, 0, 3, ints, 4), 3, "bigint[]: three");
	ok(ints[0] == 1 && ints[1] == INT64_MIN && ints[2] == 3, "bigint[]: their values");
	is_int(sc_row_texts(rows, 0, 4, texts, 4), 3, "text[]: three");
	ok(texts[0].n == 3 && memcmp(texts[0].p, "one", 3) == 0 && !texts[1].p && texts[2].p &&
		texts[2].n == 0,
	    "text[]: a word, a null, an empty one");
	is_int(sc_row_texts(rows, 0, 4, texts, 1), 3, "text[]: more than there is room for");
	is_int(sc_row_int(rows, 0, 5), -5, "int");
	is_int(sc_row_int(rows, 0, 6), 1, "boolean");
	ok(sc_row_null(rows, 0, 7) && !sc_row_text(rows, 0, 7).p && !sc_row_null(rows, 0, 6),
	    "null");
	is_text(sc_row_text(rows, 0, 8).p, "{\"a\": 1}", "jsonb");
	is_int(sc_row_int(rows, 0, 9), -5, "smallint");
}

static void
empty_and_null(void *arg, const struct sc_rows *rows)
{
	(void)arg;
	done_n++;
	ok(sc_row_null(rows, 0, 0) && sc_row_null(rows, 0, 2), "null parameters");
	ok(!sc_row_null(rows, 0, 1) && sc_row_text(rows, 0, 1).n == 0, "empty text is not null");
	ok(!sc_row_null(rows, 0, 3) && sc_row_ints(rows, 0, 3, NULL, 0) == 0, "empty array");
}

static void
types(void)
{
	const int64_t ints[] = { 1, INT64_MIN, 3 };
	const struct sc_span texts[] = { { "one", 3 }, { NULL, 0 }, { "", 0 } };
	struct seen before = sum(), s;

	done_n = 0;
	store_run(try_store, &echo,
	    SC_ARGS(sc_int(-5), sc_text("Grüße 'n' \"so\""), sc_bytes("\0\1\377x", 4),
		sc_ints(ints, 3), sc_texts(texts, 3)),
	    there_and_back, NULL);
	store_run(try_store, &echo,
	    SC_ARGS(sc_null(), sc_text(""), sc_null(), sc_ints(ints, 0), sc_null()), empty_and_null,
	    NULL);
	store_run(try_store, &many, SC_ARGS(sc_ints(ints, 2), sc_texts(texts, 2)), see, NULL);
	try_until(&done_n, 3);
	is_int(done_n, 3, "types: all came back");
	s = sum();
	is_int(s.a - before.a, 2, "arrays become rows");
}

static void
reads(void)
{
	struct seen one = { 0 }, two = { 0 }, three = { 0 }, four = { 0 };

	done_n = 0;
	store_run(try_store, &summary, SC_NO_ARGS, see, &one);
	store_run(try_store, &bad, SC_NO_ARGS, see, &two);
	store_run(try_store, &sneaky, SC_NO_ARGS, see, &three);
	store_run(try_store, &summary, SC_NO_ARGS, see, &four);
	try_until(&done_n, 4);
	ok(one.status == SC_DB_OK && four.status == SC_DB_OK, "reads around a failing one succeed");
	is_int(two.status, SC_DB_FAILED, "a statement that cannot be prepared fails");
	is_text(three.state, "25006", "a write dressed as a read is refused");
	ok(four.a > 0, "and deletes nothing");
}

static void
see_weight(void *arg, const struct sc_rows *rows)
{
	(void)rows;
	*(int64_t *)arg = budget_sum(BUDGET_DATABASE);
	done_n++;
}

static void
memory(void)
{
	char text[] = "xxxxxxxxxx";
	int64_t weight = 0;

	is_int(budget_sum(BUDGET_DATABASE), 0, "nothing is charged for a database that rests");
	done_n = 0;
	store_run(try_store, &bulky, SC_ARGS(sc_text(text)), see_weight, &weight);
	ok(budget_sum(BUDGET_DATABASE) > 0, "what waits is charged");
	try_until(&done_n, 1);
	ok(weight > 10000000, "an answer of ten megabytes is charged: %lld", (long long)weight);
	is_int(budget_sum(BUDGET_DATABASE), 0, "and all is given back");
}

static void
read_timeout(const struct private_pg *pg)
{
	struct store_conf conf = try_conf(pg);
	struct seen seen = { 0 }, next = { 0 };

	conf.read_timeout_ms = 200;
	try_open(&conf);
	ok(try_ready(), "ready again");
	done_n = 0;
	store_run(try_store, &slow, SC_ARGS(sc_int(60000)), see, &seen);
	store_run(try_store, &summary, SC_NO_ARGS, see, &next);
	try_until(&done_n, 2);
	is_int(seen.status, SC_DB_FAILED, "a read that takes too long fails");
	is_text(seen.state, "57014", "cancelled by the server");
	is_int(next.status, SC_DB_OK, "the next one succeeds");
	try_close();
}

static void
limits(const struct private_pg *pg)
{
	struct store_conf conf = try_conf(pg);
	static char large[600];
	int busy = 0, good = 0;
	struct seen seen[20] = { 0 };

	memset(large, 'x', sizeof large - 1);
	conf.queue_max_bytes = 8000;
	conf.writers = 3;
	try_open(&conf);
	ok(try_ready(), "three writers are ready");
	done_n = 0;
	for (int i = 0; i < 20; i++) {
		large[0] = (char)('a' + i);
		store_run(try_store, &add, SC_ARGS(sc_int(i), sc_int(1), sc_text(large)), see,
		    &seen[i]);
	}
	is_int(done_n, 0, "a refusal does not come from inside either");
	try_until(&done_n, 20);
	for (int i = 0; i < 20; i++) {
		busy += seen[i].status == SC_DB_BUSY;
		good += seen[i].status == SC_DB_OK;
	}
	ok(busy > 5 && good > 5 && busy + good == 20, "%d were refused, %d written", busy, good);
	ok(!store_busy(try_store), "nothing is busy afterwards");
	try_close();
}

static void
slowed_down(const struct private_pg *pg)
{
	struct store_conf conf = try_conf(pg);
	struct timespec from, to;

	conf.test_delay_ms = 150;
	try_open(&conf);
	try_ready();
	clock_gettime(CLOCK_MONOTONIC, &from);
	done_n = 0;
	store_run(try_store, &add, SC_ARGS(sc_int(1), sc_int(1), sc_text("slow")), see, NULL);
	try_until(&done_n, 1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* The loop counts from when its turn began, which may lie before `from`. */
	ok((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 100,
	    "a test's delay is kept");
	store_test_delay(try_store, 0);
	/* What is queued at the end is still written. */
	for (int i = 0; i < 5; i++)
		store_run(try_store, &add, SC_ARGS(sc_int(1), sc_int(1), sc_null()), see, NULL);
	done_n = 0;
	try_close();
	is_int(done_n, 5, "closing completes what is queued");
}

static int
test(void)
{
	struct private_pg *pg = try_pg();
	struct store_conf conf = try_conf(pg);
	static const struct sc_stmt clash = {
		.name = "try_bad", .types = "", .key = -1, .sql = "select 2"
	};
	static const struct sc_stmt *const clashes[] = { &add, &clash };

	ok(store_register(all, sizeof all / sizeof *all) == NULL, "statements are registered");
	is_text(store_register(clashes, 2), "try_bad", "the same name for other SQL is refused");
	try_open(&conf);
	ok(!store_ready(try_store), "not ready at once");
	ok(try_ready(), "ready soon");
	is_text(store_last_error(try_store), "", "no error");
	done_n = 0;
	store_run(try_store, &make, SC_NO_ARGS, see, NULL);
	try_until(&done_n, 1);
	one_commit_a_batch();
	the_culprit_alone();
	atomic_alone();
	failing_commit();
	types();
	reads();
	memory();
	try_close();
	read_timeout(pg);
	limits(pg);
	slowed_down(pg);
	private_pg_stop(&pg, false);
	store_unregister_all();
	return done_testing();
}

int
main(void)
{
	return try_as_nobody(test);
}
