/* SPDX-License-Identifier: MIT */
/* answer: gives out a page: each message in a <result/> of its own, then <fin/> (XEP-0313 §4.2). */
#include "archive/archive.h"

enum { COL_KNOWN, COL_AT, COL_TAIL, COL_PAYLOAD, COL_EXTRA, COL_FOUND };

static char *
id_at(struct sc_arena *arena, const struct sc_rows *rows, int row)
{
	return sc_archive_id_of(arena, sc_row_int(rows, row, COL_AT),
		sc_row_text(rows, row, COL_TAIL));
}

/* A row that cannot be read (written by hand, or by a bug) keeps its place, without its message:
 * §3.2 lets it be missing. */
static struct sc_stanza *
original(struct sc_ctx *ctx, const struct sc_rows *rows, int row)
{
	struct sc_span text = sc_row_text(rows, row, COL_PAYLOAD);
	struct sc_stanza *m = sc_stanza_read(text.p, text.n);

	if (m != NULL && sc_kind(m) == SC_MESSAGE)
		return m;
	sc_stanza_free(&m);
	sc_log(ctx, SC_LOG_WARN, "archive.unreadable", "owner=%s at=%lld",
		sc_entity_jid(sc_entity(ctx))->text, (long long)sc_row_int(rows, row, COL_AT));
	return NULL;
}

static void
give(struct sc_ctx *ctx, const struct query *q, const struct sc_rows *rows, int row)
{
	struct sc_arena *arena = sc_arena(ctx);
	struct sc_stanza *m = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL,
		sc_entity_jid(sc_entity(ctx)), sc_from(sc_stanza(ctx)), NULL);
	struct sc_stanza *kept = original(ctx, rows, row);
	struct sc_elem *e = sc_add(m, sc_stanza_root(m), NS_MAM, "result"), *delay;

	if (q->queryid != NULL)
		sc_set_attr(m, e, "queryid", q->queryid);
	sc_set_attr(m, e, "id", id_at(arena, rows, row));
	e = sc_add(m, e, NS_FORWARD, "forwarded");
	delay = sc_add(m, e, SC_NS_DELAY, "delay");
	sc_set_attr(m, delay, "stamp", sc_timestamp(arena, sc_row_int(rows, row, COL_AT)));
	if (kept != NULL)
		sc_add_stanza(m, e, kept);
	sc_stanza_free(&kept);
	sc_count(archive_counters.results, 1);
	sc_push(sc_session(ctx), &m);
}

static enum sc_verdict
finish(struct sc_ctx *ctx, const struct sc_rsm_page *page, bool complete)
{
	struct sc_stanza *result = sc_result(ctx);
	struct sc_elem *fin = sc_add(result, sc_stanza_root(result), NS_MAM, "fin");

	if (complete)
		sc_set_attr(result, fin, "complete", "true");
	sc_rsm_add(result, fin, page);
	return sc_answer(ctx, &result);
}

enum sc_verdict
answer_page(struct sc_ctx *ctx, const struct query *q, const struct sc_rows *rows)
{
	/* An empty page is one row of nothing. */
	int n = sc_row_null(rows, 0, COL_AT) ? 0 : sc_rows_count(rows);
	int64_t found = n > 0 ? sc_row_int(rows, 0, COL_FOUND) : 0;
	int use = n > q->max ? (int)q->max : n, from = q->backwards ? n - use : 0;
	struct sc_rsm_page page = { .index = -1, .count = -1 };

	if (use > 0) {
		page.first = id_at(sc_arena(ctx), rows, from);
		page.last = id_at(sc_arena(ctx), rows, from + use - 1);
	}
	/* The last of what is sent may end the session. */
	for (int i = 0; i < use && sc_session(ctx) != NULL; i++)
		give(ctx, q, rows, q->flip ? from + use - 1 - i : from + i);
	return finish(ctx, &page, found == use);
}

enum sc_verdict
answer_count(struct sc_ctx *ctx, int64_t n, int64_t max)
{
	return finish(ctx, &(struct sc_rsm_page){ .index = -1, .count = n <= max ? n : -1 },
		n == 0);
}
