/* SPDX-License-Identifier: MIT */
/*
 * migrate: brings the database to the schema of this release. A step is a file
 * schema/NNNN-topic.sql, applied once, in order, in one transaction together with its row in
 * schema_migrations. Blocking; for start and for `db migrate`.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/connect.h"
#include "store/store.h"
#include <stonechat/log.h>

#define LOCK_KEY "7166083212"           /* any number that is ours */
#define STEP_MAX (4 << 20)

struct step {
	int version;
	char name[128];
	char checksum[65];
	char *sql;
	bool applied;
};

struct plan {
	struct step *steps;
	int n;
};

/* --- the files --- */

static int
is_step(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t n = strlen(name);

	for (int i = 0; i < 4; i++)
		if (name[i] < '0' || name[i] > '9')
			return 0;
	return name[4] == '-' && n > 9 && n < sizeof((struct step *)0)->name &&
	    strcmp(name + n - 4, ".sql") == 0;
}

static void
hex_sha256(const char *bytes, size_t n, char out[65])
{
	unsigned char digest[32];

	sc_assert(EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) == 1);
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static bool
step_read(const char *dir, const char *name, struct step *step, char *error, size_t error_size)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size < STEP_MAX) {
		step->sql = mem_new((size_t)st.st_size + 1);
		n = read(fd, step->sql, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	if (n < 0 || n != st.st_size) {
		snprintf(error, error_size, "Cannot read the schema file %s.", path);
		return false;
	}
	step->version = (int)strtol(name, NULL, 10);
	snprintf(step->name, sizeof step->name, "%s", name);
	hex_sha256(step->sql, (size_t)n, step->checksum);
	return true;
}

static void
plan_free(struct plan *plan)
{
	for (int i = 0; i < plan->n; i++)
		free(plan->steps[i].sql);
	free(plan->steps);
	*plan = (struct plan){ 0 };
}

static bool
plan_read(const char *dir, struct plan *plan, char *error, size_t error_size)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_step, alphasort);
	bool good = n > 0;

	*plan = (struct plan){ 0 };
	if (n <= 0)
		snprintf(error, error_size, "There are no schema files in %s.", dir);
	else
		plan->steps = mem_new((size_t)n * sizeof *plan->steps);
	for (int i = 0; i < n; i++) {
		if (good) {
			plan->n = i + 1;
			good = step_read(dir, names[i]->d_name, &plan->steps[i], error, error_size);
		}
		if (good && i > 0 && plan->steps[i].version == plan->steps[i - 1].version) {
			snprintf(error, error_size, "Two schema files have the number %04d.",
			    plan->steps[i].version);
			good = false;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	if (!good)
		plan_free(plan);
	return good;
}

/* --- the database --- */

static bool
run(PGconn *conn, const char *sql, const char *what, char *error, size_t error_size)
{
	PGresult *res = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(res);
	char text[400];

	PQclear(res);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return true;
	connect_error(PQerrorMessage(conn), text, sizeof text);
	snprintf(error, error_size, "%s: %s", what, text);
	return false;
}

static struct step *
step_find(struct plan *plan, int version)
{
	for (int i = 0; i < plan->n; i++)
		if (plan->steps[i].version == version)
			return &plan->steps[i];
	return NULL;
}

static bool
compare_row(struct plan *plan, int version, const char *name, const char *checksum, char *error,
    size_t error_size)
{
	struct step *step = step_find(plan, version);
	int newest = plan->steps[plan->n - 1].version;

	if (version > newest)
		snprintf(error, error_size,
		    "The database has schema %04d (%s), but this release knows only up to %04d: it "
		    "is of a newer Stonechat. Start that one, or restore a backup.",
		    version, name, newest);
	else if (!step)
		snprintf(error, error_size,
		    "The database has schema step %s, which this release does not have.", name);
	else if (strcmp(step->checksum, checksum) != 0)
		snprintf(error, error_size,
		    "The schema file %s is not the one that was applied to the database: its "
		    "checksum differs. Put the original back; a change of the schema is a new "
		    "file.",
		    step->name);
	else
		step->applied = true;
	return step && step->applied;
}

/* Marks what is applied; refuses what does not fit. */
static bool
compare(PGconn *conn, struct plan *plan, char *error, size_t error_size)
{
	PGresult *res;
	bool good = true, gap = false;

	res = PQexec(conn, "select to_regclass('schema_migrations') is not null");
	if (PQresultStatus(res) == PGRES_TUPLES_OK && PQgetvalue(res, 0, 0)[0] == 'f') {
		PQclear(res);
		return true;            /* an empty database */
	}
	PQclear(res);
	res =
	    PQexec(conn, "select version, name, checksum from schema_migrations order by version");
	if (PQresultStatus(res) != PGRES_TUPLES_OK) {
		connect_error(PQerrorMessage(conn), error, error_size);
		PQclear(res);
		return false;
	}
	for (int i = 0; good && i < PQntuples(res); i++)
		good = compare_row(plan, atoi(PQgetvalue(res, i, 0)), PQgetvalue(res, i, 1),
		    PQgetvalue(res, i, 2), error, error_size);
	PQclear(res);
	for (int i = plan->n - 1; good && i >= 0; i--) {
		gap = gap || plan->steps[i].applied;
		if (gap && !plan->steps[i].applied) {
			snprintf(error, error_size,
			    "The schema file %s was never applied, but later ones were.",
			    plan->steps[i].name);
			good = false;
		}
	}
	return good;
}

static bool
record(PGconn *conn, const struct step *step, char *error, size_t error_size)
{
	char version[16], when[24];
	const char *values[] = { version, step->name, step->checksum, when };
	PGresult *res;
	bool done;

	snprintf(version, sizeof version, "%d", step->version);
	snprintf(when, sizeof when, "%lld", (long long)clock_wall());
	res = PQexecParams(conn,
	    "insert into schema_migrations (version, name, checksum, applied_at) values ($1, $2, "
	    "$3, $4)",
	    4, NULL, values, NULL, NULL, 0);
	done = PQresultStatus(res) == PGRES_COMMAND_OK;
	if (!done)
		connect_error(PQerrorMessage(conn), error, error_size);
	PQclear(res);
	return done;
}

static bool
apply(PGconn *conn, const struct step *step, char *error, size_t error_size)
{
	if (!run(conn, "begin", step->name, error, error_size) ||
	    !run(conn, step->sql, step->name, error, error_size) ||
	    !record(conn, step, error, error_size) ||
	    !run(conn, "commit", step->name, error, error_size))
		return false;           /* closing the connection rolls back */
	sc_log(NULL, SC_LOG_INFO, "db.migrated", "step=%s", step->name);
	return true;
}

static bool
apply_missing(PGconn *conn, struct plan *plan, char *error, size_t error_size)
{
	/* Waits for another server that migrates; freed with the connection. */
	if (!run(conn, "select pg_advisory_lock(" LOCK_KEY ")", "Waiting for the lock", error,
		error_size))
		return false;
	if (!run(conn,
		"create table if not exists schema_migrations (version int primary key, name text "
		"not null, checksum text not null, applied_at bigint not null)",
		"schema_migrations", error, error_size))
		return false;
	if (!compare(conn, plan, error, error_size))
		return false;
	for (int i = 0; i < plan->n; i++)
		if (!plan->steps[i].applied && !apply(conn, &plan->steps[i], error, error_size))
			return false;
	return true;
}

static PGconn *
open_for_steps(const char *uri, char *error, size_t error_size)
{
	return connect_now(&(struct connect_want){ .uri = uri, .app_name = "stonechat-migrate" },
	    error, error_size);
}

bool
store_migrate(const char *uri, const char *schema_dir, char *error, size_t error_size)
{
	struct plan plan;
	PGconn *conn;
	bool done;

	if (!plan_read(schema_dir, &plan, error, error_size))
		return false;
	conn = open_for_steps(uri, error, error_size);
	done = conn && apply_missing(conn, &plan, error, error_size);
	PQfinish(conn);
	plan_free(&plan);
	return done;
}

char *
store_migration_plan(const char *uri, const char *schema_dir, char *error, size_t error_size)
{
	struct buf text = { 0 };
	struct plan plan;
	PGconn *conn;

	if (!plan_read(schema_dir, &plan, error, error_size))
		return NULL;
	conn = open_for_steps(uri, error, error_size);
	if (conn && compare(conn, &plan, error, error_size)) {
		for (int i = 0; i < plan.n; i++)
			buf_format(&text, "%s: %s\n", plan.steps[i].name,
			    plan.steps[i].applied ? "applied" : "to do");
		buf_add(&text, "", 1);
	}
	PQfinish(conn);
	plan_free(&plan);
	return text.p;
}
