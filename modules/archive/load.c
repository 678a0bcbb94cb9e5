/* SPDX-License-Identifier: MIT */
/* load: what an account's home must know before the first message comes: what the account wants
 * kept, and where its archive begins and ends, for its clock stands above that. */
#include <stdio.h>
#include "archive/archive.h"

enum { COL_STANDARD, COL_ALWAYS, COL_NEVER, COL_FIRST, COL_FIRST_TAIL, COL_LAST, COL_LAST_TAIL,
	COL_HIDDEN };

static void
read_place(struct place *p, const struct sc_rows *rows, int column)
{
	p->at = sc_row_null(rows, 0, column) ? 0 : sc_row_int(rows, 0, column);
	p->tail[0] = '\0';
	if (p->at != 0)
		snprintf(p->tail, sizeof p->tail, "%s", sc_row_text(rows, 0, column + 1).p);
}

void
load_ends(const struct sc_rows *rows, struct place *first, struct place *last)
{
	read_place(first, rows, COL_FIRST);
	read_place(last, rows, COL_LAST);
}

static enum sc_verdict
loaded(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct sc_entity *account = sc_entity(ctx);
	struct archive *a = archive_of(account);

	if (sc_rows_status(rows) != SC_DB_OK)
		return SC_DROPPED;      /* the load fails; whoever needs the account hears so */
	prefs_free(&a->prefs);
	if (!sc_row_null(rows, 0, COL_STANDARD))
		prefs_read(sc_arena(ctx), &a->prefs, rows, COL_STANDARD);
	load_ends(rows, &a->first, &a->last);
	sc_entity_moment_was(account, a->last.at);
	a->ends_known = true;
	a->hidden = sc_row_null(rows, 0, COL_HIDDEN) ? 0 : sc_row_int(rows, 0, COL_HIDDEN);
	return SC_PASS;
}

enum sc_verdict
load_account(struct sc_ctx *ctx, struct sc_ev_account *ev)
{
	struct sc_host *host = sc_entity_host(ev->account);
	int64_t now = sc_now();

	if (!archive_is_on(host) || sc_entity_id(ev->account) <= 0)
		return SC_PASS;
	return sc_db_hold(ctx, archive_sql.load, SC_ARGS(sc_int(sc_entity_id(ev->account)),
		sc_int(now), sc_int(archive_oldest(host, now) - 1)), loaded);
}
