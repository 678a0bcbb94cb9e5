/* SPDX-License-Identifier: MIT */
/*
 * connect: libpq resolves names, reads password files and talks TLS in a blocking way while it
 * connects, so this never runs on a shard's loop. Reads follow the writes to the same server: with
 * a standby they could miss what they must see.
 */
#include "config.h"

#include "store/connect.h"

#include <stdio.h>
#include <string.h>

void
connect_error(const char *message, char *error, size_t error_size)
{
	size_t n = 0;

	for (const char *p = message; *p && n + 1 < error_size; p++) {
		if (*p == '\n' || *p == '\t')
			error[n++] = ' ';
		else
			error[n++] = *p;
	}
	while (n > 0 && error[n - 1] == ' ')
		n--;
	if (error_size > 0)
		error[n] = '\0';
}

static void
ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static bool
uri_is_valid(const char *uri)
{
	char *problem = NULL;
	PQconninfoOption *parsed = PQconninfoParse(uri, &problem);

	PQconninfoFree(parsed);
	PQfreemem(problem);
	return parsed != NULL;
}

static bool
settle(PGconn *conn, const struct connect_want *want)
{
	char timeout[16];
	const char *values[1] = { timeout };
	PGresult *res;
	bool done;

	if (PQserverVersion(conn) < 140000)
		return false;
	snprintf(timeout, sizeof timeout, "%d", want->statement_timeout_ms);
	/* Never set to off: when the operator makes the server read-only, we must see it. */
	res = PQexecParams(conn,
	    want->read_only
		? "select set_config('statement_timeout', $1, false), "
		  "set_config('default_transaction_read_only', 'on', false)"
		: "select set_config('statement_timeout', $1, false)",
	    1, NULL, values, NULL, NULL, 0);
	done = PQresultStatus(res) == PGRES_TUPLES_OK;
	PQclear(res);
	return done;
}

/*
 * A connection may be lost, or given up, while its process is still at work: behind a lock, or at
 * the far end of a cut line. By our address of then nothing else can be meant than one of our own,
 * so at another server (after a failover) the worst is that a sister is lost and repeated.
 */
static bool
end_predecessor(PGconn *conn, const struct connect_want *want)
{
	char pid[16];
	const char *values[2] = { pid, want->app_name };
	PGresult *res;
	bool gone;

	if (want->predecessor == 0 || want->predecessor == PQbackendPID(conn))
		return true;
	snprintf(pid, sizeof pid, "%d", want->predecessor);
	res = PQexecParams(conn, "select bool_and(pg_terminate_backend(pid, 5000)) "
	    "from pg_stat_activity where pid = $1::int and application_name = $2",
	    2, NULL, values, NULL, NULL, 0);
	/* no row: null, as it has gone by itself */
	gone = PQresultStatus(res) == PGRES_TUPLES_OK && strcmp(PQgetvalue(res, 0, 0), "f") != 0;
	PQclear(res);
	return gone;
}

PGconn *
connect_now(const struct connect_want *want, char *error, size_t error_size)
{
	/* What stands before dbname is a default that the address may change; what stands after
	 * it is ours. */
	const char *const keys[] = { "connect_timeout", "keepalives_idle", "keepalives_interval",
		"keepalives_count", "tcp_user_timeout", "dbname", "target_session_attrs",
		"client_encoding", "application_name", NULL };
	const char *const values[] = {
		"5", "15", "5", "3", "20000",
		want->uri, "read-write", "UTF8", want->app_name, NULL
	};
	PGconn *conn;

	/* libpq quotes a bad address in its message, password and all. */
	if (!uri_is_valid(want->uri)) {
		snprintf(error, error_size,
		    "The database address (db.uri) is not a valid PostgreSQL URI.");
		return NULL;
	}
	conn = PQconnectdbParams(keys, values, 1);
	if (!conn) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	if (PQstatus(conn) != CONNECTION_OK) {
		connect_error(PQerrorMessage(conn), error, error_size);
		PQfinish(conn);
		return NULL;
	}
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	if (!want->read_only && !end_predecessor(conn, want)) {
		snprintf(error, error_size, "process %d, which served the lost connection, "
		    "does not end", want->predecessor);
		PQfinish(conn);
		return NULL;
	}
	if (!settle(conn, want)) {
		if (PQserverVersion(conn) < 140000)
			snprintf(error, error_size,
			    "The database server is PostgreSQL %d; at least 14 is needed.",
			    PQserverVersion(conn) / 10000);
		else
			connect_error(PQerrorMessage(conn), error, error_size);
		PQfinish(conn);
		return NULL;
	}
	return conn;
}
