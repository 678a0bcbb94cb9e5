/* SPDX-License-Identifier: MIT */
/* worker_db: blocking libpq, never on a shard's loop. */
#include "config.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include "base/rand.h"
#include "plugin/conf.h"
#include "worker_db.h"

static PGconn *
reach(const char *uri, char *error, size_t size)
{
	PGconn *c = PQconnectdb(uri);

	if (PQstatus(c) == CONNECTION_OK)
		return c;
	snprintf(error, size, "the database cannot be reached: %s", PQerrorMessage(c));
	PQfinish(c);
	return NULL;
}

/* One row of one column, or NULL with a sentence. */
static PGresult *
ask(PGconn *c, const char *sql, int n, const char *const *values, const int *lengths,
	const int *formats, int result_format, char *error, size_t size)
{
	PGresult *r = PQexecParams(c, sql, n, NULL, values, lengths, formats, result_format);

	if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1)
		return r;
	snprintf(error, size, "the database said: %s", PQresultErrorMessage(r));
	PQclear(r);
	return NULL;
}

int *
worker_db_hosts(const char *uri, const struct conf *conf, char *error, size_t size)
{
	/* No update of rows that are there: reading them must not wait for anybody. */
	static const char sql[] = "with new as (insert into hosts (name) select $1 where "
		"not exists "
		"(select from hosts where name = $1) on conflict do nothing returning id) "
		"select id from new union all select id from hosts where name = $1 limit 1";
	PGconn *c = reach(uri, error, size);
	int *ids = c != NULL ? calloc((size_t)conf_hosts(conf) + 1, sizeof *ids) : NULL;

	for (int i = 0; ids != NULL && i < conf_hosts(conf); i++) {
		const char *values[] = { conf_host(conf, i)->name };
		PGresult *r = ask(c, sql, 1, values, NULL, NULL, 0, error, size);

		if (r == NULL) {
			free(ids);
			ids = NULL;
			break;
		}
		ids[i] = atoi(PQgetvalue(r, 0, 0));
		PQclear(r);
	}
	if (c != NULL)
		PQfinish(c);
	return ids;
}

bool
worker_db_secret(const char *uri, const char *name, unsigned char *out, size_t n, char *error,
	size_t size)
{
	static const char sql[] = "with new as (insert into server_secrets (name, value) values "
		"($1, $2) on conflict do nothing "
		"returning value) select value from new union all select value from server_secrets "
		"where name = $1 limit 1";
	unsigned char fresh[256];
	const char *values[] = { name, (const char *)fresh };
	int lengths[] = { 0, (int)n }, formats[] = { 0, 1 };
	PGconn *c = reach(uri, error, size);
	PGresult *r;
	bool ok;

	if (c == NULL)
		return false;
	rand_bytes(fresh, n);
	r = ask(c, sql, 2, values, lengths, formats, 1, error, size);
	ok = r != NULL && (size_t)PQgetlength(r, 0, 0) == n;
	if (ok)
		memcpy(out, PQgetvalue(r, 0, 0), n);
	else if (r != NULL)
		snprintf(error, size, "the secret %s in the database has another length", name);
	if (r != NULL)
		PQclear(r);
	PQfinish(c);
	return ok;
}
