/* SPDX-License-Identifier: MIT */
/*
 * expire: deletes rows that are too old, a bite at a time, on every shard (they share the work). An
 * expired row is never given out, so it does not matter when the sweep comes.
 */
#include "offline/spool.h"

#define BITE 500
#define NEXT_BITE_MS 1000
#define EVERY_MS (10 * 60 * 1000)

static void
swept(void *arg, const struct sc_rows *rows);

static void
sweep(void *arg)
{
	sc_db_run(spool_sql.expire, SC_ARGS(sc_int(sc_now()), sc_int(BITE)), swept, arg);
}

static void
swept(void *arg, const struct sc_rows *rows)
{
	int64_t n = sc_rows_status(rows) == SC_DB_OK ? sc_rows_affected(rows) : 0;

	sc_count(spool_counters.expired, n);
	sc_timer(n == BITE ? NEXT_BITE_MS : EVERY_MS, sweep, arg);
	sc_db_run(spool_sql.give_expire, SC_ARGS(sc_int(sc_now()), sc_int(BITE)), NULL, NULL);
}

void
expire_start(struct sc_ctx *ctx)
{
	(void)ctx;
	sc_timer(EVERY_MS, sweep, NULL);
}
