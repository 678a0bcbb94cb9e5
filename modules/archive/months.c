/* SPDX-License-Identifier: MIT */
/*
 * months: an archive is divided by the month in which rows expire, and leaves by the month. The
 * months ahead are made in time, or by the first message that needs one; those that have passed are
 * dropped, one now and then, and never while somebody reads.
 *
 * What must go before its time (a deleted account, archive purge) goes in bites, one at a time.
 */
#include "archive/archive.h"

#define AHEAD_US (INT64_C(62) * 86400 * 1000000)
#define MAKE_EVERY_MS (6 * 3600 * 1000)
#define LOOK_EVERY_MS (10 * 60 * 1000)
#define NEXT_SOON_MS 1000
#define BITE 2000
#define NEXT_BITE_MS 200

static struct archive_shard *
shard(void)
{
	return sc_shard_slot(archive_shard_slot);
}

/* --- making --- */

bool
months_reach(int64_t expires)
{
	return expires == NEVER || expires < shard()->months_until;
}

enum sc_verdict
months_make(struct sc_ctx *ctx, int64_t expires, sc_rows_cont cont)
{
	int64_t until = expires + AHEAD_US;

	/* In the arena, since the ctx keeps what it must. */
	sc_keep(ctx, sc_copy_n(sc_arena(ctx), (const char *)&until, sizeof until));
	return sc_db_hold(ctx, archive_sql.make_months, SC_ARGS(sc_int(sc_now()), sc_int(until)),
		cont);
}

static void
reach(int64_t until)
{
	if (until > shard()->months_until)
		shard()->months_until = until;
}

bool
months_made(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK)
		return false;
	reach(*(const int64_t *)sc_kept(ctx));
	return true;
}

/* For the hosts that keep for as long as most do; others ask when they need one. */
static int64_t
months_wanted(void)
{
	int64_t ms = archive_conf_of(NULL)->retention;

	return ms < 0 ? 0 : sc_now() + ms * 1000 + AHEAD_US;
}

static void make_ahead(void *);

static void
made_ahead(void *arg, const struct sc_rows *rows)
{
	bool ok = sc_rows_status(rows) == SC_DB_OK;

	if (ok)
		reach(shard()->asked_until);
	sc_timer(ok ? MAKE_EVERY_MS : NEXT_SOON_MS, make_ahead, arg);
}

static void
make_ahead(void *arg)
{
	int64_t until = months_wanted();

	if (until == 0) {
		sc_timer(MAKE_EVERY_MS, make_ahead, arg);
		return;
	}
	shard()->asked_until = until;
	sc_db_run(archive_sql.make_months, SC_ARGS(sc_int(sc_now()), sc_int(until)), made_ahead,
		arg);
}

/* --- dropping --- */

static void drop_look(void *);

static void
drop_looked(void *arg, const struct sc_rows *rows)
{
	bool dropped = sc_rows_status(rows) == SC_DB_OK && sc_rows_count(rows) == 1 &&
		!sc_row_null(rows, 0, 0);

	if (dropped) {
		sc_count(archive_counters.dropped, 1);
		sc_log(NULL, SC_LOG_INFO, "archive.month_dropped", "table=%s",
			sc_row_text(rows, 0, 0).p);
	}
	sc_timer(dropped ? NEXT_SOON_MS : LOOK_EVERY_MS, drop_look, arg);
}

static void
drop_look(void *arg)
{
	sc_db_run(archive_sql.drop_month, SC_ARGS(sc_int(sc_now())), drop_looked, arg);
}

/* --- deleting --- */

static void bite(void *);

static void
bitten(void *arg, const struct sc_rows *rows)
{
	bool more = sc_rows_status(rows) == SC_DB_OK && sc_rows_count(rows) == 1 &&
		sc_row_int(rows, 0, 0) > 0;

	shard()->biting = false;
	if (more)
		months_bite_soon();
	(void)arg;
}

static void
bite(void *arg)
{
	shard()->will_bite = false;
	if (shard()->biting)
		return;
	shard()->biting = true;
	sc_db_run(archive_sql.bite, SC_ARGS(sc_int(BITE)), bitten, arg);
}

void
months_bite_soon(void)
{
	if (shard()->will_bite)
		return;
	shard()->will_bite = true;
	sc_timer(NEXT_BITE_MS, bite, NULL);
}

static void
bite_now_and_then(void *arg)
{
	months_bite_soon();
	sc_timer(LOOK_EVERY_MS, bite_now_and_then, arg);
}

void
months_account_deleted(struct sc_ctx *ctx, const struct sc_ev_account_name *ev)
{
	(void)ctx;
	(void)ev;
	months_bite_soon();
}

void
months_start(struct sc_ctx *ctx)
{
	(void)ctx;
	make_ahead(NULL);
	sc_timer(LOOK_EVERY_MS, drop_look, NULL);
	bite_now_and_then(NULL);
}
