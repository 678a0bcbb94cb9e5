/* SPDX-License-Identifier: MIT */
/* Migrations: all at once, nothing the second time, and a sentence for everything that
 * does not fit. */
#include "config.h"

#include <libpq-fe.h>

#include "store_try.h"

static const char *uri, *schema;

static bool
migrate(void)
{
	try_error[0] = '\0';
	return store_migrate(uri, schema, try_error, sizeof try_error);
}

static int
number(const char *text)
{
	PGconn *conn = PQconnectdb(uri);
	PGresult *res = PQexec(conn, text);
	int n = PQresultStatus(res) == PGRES_TUPLES_OK ? atoi(PQgetvalue(res, 0, 0)) : -1;

	PQclear(res);
	PQfinish(conn);
	return n;
}

static void
put(const char *name, const char *mode, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", schema, name);
	file = fopen(path, mode);
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static void
drop(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", schema, name);
	unlink(path);
}

static void
refused(const char *word, const char *what)
{
	bool done = migrate();

	ok(!done && strstr(try_error, word), "%s: %s", what, try_error);
}

static int
test(void)
{
	struct private_pg *pg = try_pg();
	char schema_dir[PATH_MAX], *plan, *applied;
	pid_t other;
	int status = 1;

	uri = private_pg_uri(pg);
	snprintf(schema_dir, sizeof schema_dir, "%s", try_path("schema"));
	schema = schema_dir;

	plan = store_migration_plan(uri, schema, try_error, sizeof try_error);
	ok(plan && strstr(plan, "0001-hosts-users.sql: to do\n") &&
		strstr(plan, "0003-spool.sql: to do\n"),
	    "the plan says what is to do");
	free(plan);
	is_int(number("select count(*) from pg_tables where schemaname = 'public'"), 0,
	    "and does nothing");

	/* Two servers at once. */
	fflush(stdout);
	other = fork();
	if (other == 0)
		_exit(!migrate());
	ok(migrate(), "an empty database is brought up to date%s", try_error);
	waitpid(other, &status, 0);
	is_int(status, 0, "by two at once");
	is_int(number("select count(*) from schema_migrations"), 3, "three steps are recorded");
	is_int(number("select count(*) from users"), 0, "the tables are there");
	ok(migrate(), "nothing to do the second time");

	put("0004-more.sql", "w", "create table more (a int);\ncreate table even_more (a int);\n");
	put("0005-broken.sql", "w", "create table late (a int);\nselect nonsense;\n");
	put("current.sql", "w", "not a step");
	refused("0005-broken.sql", "a step that fails");
	is_int(number("select count(*) from pg_tables where tablename in ('more', 'even_more')"), 2,
	    "the step before it is done");
	is_int(number("select count(*) from pg_tables where tablename = 'late'"), 0,
	    "and nothing of it");
	put("0005-broken.sql", "w", "create table late (a int);\n");
	ok(migrate(), "mended, it is applied");

	put("0004-more.sql", "a", "-- a harmless comment\n");
	refused("0004-more.sql", "a changed file");
	put("0004-more.sql", "w", "create table more (a int);\ncreate table even_more (a int);\n");
	ok(migrate(), "its old form is accepted");

	drop("0005-broken.sql");
	refused("newer", "a schema that is newer than the files");
	drop("0004-more.sql");
	put("0005-broken.sql", "w", "create table late (a int);\n");
	refused("0004-more.sql", "a missing file");
	put("0004-more.sql", "w", "create table more (a int);\ncreate table even_more (a int);\n");
	put("0004-other.sql", "w", "select 1;\n");
	refused("0004", "two files with one number");
	drop("0004-other.sql");
	put("0006-later.sql", "w", "select 1;\n");
	plan = store_migration_plan(uri, schema, try_error, sizeof try_error);
	applied = plan ? strstr(plan, "0005-broken.sql: applied\n0006-later.sql: to do\n") : NULL;
	ok(applied, "the plan of a database in use");
	free(plan);
	ok(!store_migrate(uri, "/nowhere", try_error, sizeof try_error), "no files: %s", try_error);
	private_pg_stop(&pg, false);
	return done_testing();
}

int
main(void)
{
	return try_as_nobody(test);
}
