/* SPDX-License-Identifier: MIT */
/* check: is the database safe to keep messages in, and are the workers before us gone?
 * Blocking; for start. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/connect.h"
#include "store/store.h"
#include <stonechat/log.h>

#define PREDECESSORS_MS 20000
#define POLL_MS 20

/* One value, as text. False with libpq's sentence. */
static bool
ask(PGconn *conn, const char *sql, int n, const char *const *values, char *out, size_t out_size,
    char *error, size_t error_size)
{
	PGresult *res = PQexecParams(conn, sql, n, NULL, values, NULL, NULL, 0);
	bool got = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1;

	if (got)
		snprintf(out, out_size, "%s", PQgetvalue(res, 0, 0));
	else
		connect_error(PQerrorMessage(conn), error, error_size);
	PQclear(res);
	return got;
}

/* Without these an acknowledged message can be lost with the power. */
static bool
check_durable(PGconn *conn, char *error, size_t error_size)
{
	static const char *const names[] = { "fsync", "full_page_writes", "synchronous_commit" };
	char value[32];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!ask(conn, "select current_setting($1)", 1, &names[i], value, sizeof value,
			error, error_size))
			return false;
		if (strcmp(value, "off") == 0) {
			snprintf(error, error_size,
			    "PostgreSQL runs with %s = off: a power cut would lose acknowledged "
			    "messages. Turn it on.",
			    names[i]);
			return false;
		}
	}
	return true;
}

static bool
check_encoding(PGconn *conn, char *error, size_t error_size)
{
	char value[32];

	if (!ask(conn, "select current_setting('server_encoding')", 0, NULL, value, sizeof value,
		error, error_size))
		return false;
	if (strcmp(value, "UTF8") == 0)
		return true;
	snprintf(error, error_size,
	    "The database has the encoding %s. It must be UTF8: create it with "
	    "`createdb -E UTF8 -T template0 NAME`.",
	    value);
	return false;
}

static bool
check_room(PGconn *conn, int connections, char *error, size_t error_size)
{
	char value[32];
	int room;

	if (!ask(conn,
		"select current_setting('max_connections')::int - "
		"current_setting('superuser_reserved_connections')::int",
		0, NULL, value, sizeof value, error, error_size))
		return false;
	room = atoi(value);
	if (room >= connections)
		return true;
	snprintf(error, error_size,
	    "The server would open %d database connections, but PostgreSQL has room for %d. Raise "
	    "max_connections or lower db.connections.",
	    connections, room);
	return false;
}

bool
store_check_server(const char *uri, int connections, bool allow_unsafe, char *error,
    size_t error_size)
{
	PGconn *conn = connect_now(
	    &(struct connect_want){ .uri = uri, .app_name = "stonechat-check" }, error, error_size);
	bool good;

	if (!conn)
		return false;
	good = check_encoding(conn, error, error_size) &&
	    check_room(conn, connections, error, error_size);
	if (good && !check_durable(conn, error, error_size)) {
		good = allow_unsafe;
		if (allow_unsafe)
			sc_log(NULL, SC_LOG_WARN, "db.unsafe", "reason=\"%s\"", error);
	}
	PQfinish(conn);
	return good;
}

/* Its transactions end with it; those that the server has already begun to commit are in the
 * database before it is gone. */
#define THEIRS "from pg_stat_activity where starts_with(application_name, $1) " \
	"and application_name <> $2 and datname = current_database() and pid <> pg_backend_pid()"

static bool
end_theirs(PGconn *conn, const char *const values[2], char *error, size_t error_size)
{
	char value[32];

	for (int waited = 0; waited < PREDECESSORS_MS; waited += POLL_MS) {
		if (!ask(conn, "select count(pg_terminate_backend(pid)) " THEIRS, 2, values, value,
			sizeof value, error, error_size))
			return false;
		if (strcmp(value, "0") == 0)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
	}
	snprintf(error, error_size, "%s database connections of an earlier server do not end.",
	    value);
	return false;
}

bool
store_end_predecessors(const char *uri, const char *app_name_prefix, const char *own, char *error,
    size_t error_size)
{
	const char *values[2] = { app_name_prefix, own ? own : "" };
	PGconn *conn = connect_now(
	    &(struct connect_want){ .uri = uri, .app_name = "stonechat-start" }, error, error_size);
	bool gone = conn && end_theirs(conn, values, error, error_size);

	PQfinish(conn);
	return gone;
}
