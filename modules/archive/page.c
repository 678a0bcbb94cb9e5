/* SPDX-License-Identifier: MIT */
/*
 * page: reads one page of an archive, while the asker's stream goes on. What the asker has been
 * given already may still be on its way into the database: then the page waits until that is
 * there, since an id that was seen must be found.
 */
#include "archive/archive.h"

#define COUNT_MAX 10000

static enum sc_verdict
failed(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	return sc_refuse(ctx, sc_rows_status(rows) == SC_DB_BUSY ? SC_COND_RESOURCE_CONSTRAINT :
		SC_COND_INTERNAL, "The archive cannot be read right now.");
}

/* All the ids that were named for the page's bounds are there. */
static bool
all_known(const struct query *q, const struct sc_rows *rows)
{
	return sc_rows_count(rows) > 0 && sc_row_int(rows, 0, 0) >= q->n_known;
}

static enum sc_verdict
page_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	const struct query *q = sc_kept(ctx);

	if (sc_rows_status(rows) != SC_DB_OK)
		return failed(ctx, rows);
	if (!all_known(q, rows))
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	return answer_page(ctx, q, rows);
}

static enum sc_verdict
count_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	const struct query *q = sc_kept(ctx);

	if (sc_rows_status(rows) != SC_DB_OK)
		return failed(ctx, rows);
	if (!all_known(q, rows))
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	return answer_count(ctx, sc_row_int(rows, 0, 1), COUNT_MAX);
}

static enum sc_verdict
read_count(struct sc_ctx *ctx, const struct query *q)
{
	return sc_db_detach_query(ctx, archive_sql.count, SC_ARGS(sc_int(q->owner), sc_int(q->lo),
		sc_int(q->hi), sc_int(sc_now()), sc_int(COUNT_MAX + 1),
		sc_ints(q->known, (size_t)q->n_known),
		sc_texts(q->known_tails, (size_t)q->n_known), sc_text_span(q->with),
		sc_text_span(q->resource)), count_arrived);
}

#define PAGE_ARGS(q, conf) sc_int((q)->owner), sc_int((q)->lo), sc_int((q)->hi), \
	sc_int(sc_now()), sc_int((q)->max + 1), sc_int((conf)->page_bytes), \
	sc_ints((q)->known, (size_t)(q)->n_known), \
	sc_texts((q)->known_tails, (size_t)(q)->n_known)

static enum sc_verdict
read_page(struct sc_ctx *ctx, const struct query *q)
{
	const struct archive_conf *conf = archive_conf_of(sc_host(ctx));

	sc_count(archive_counters.pages, 1);
	if (q->counts)
		return read_count(ctx, q);
	if (q->n_ids >= 0)
		return sc_db_detach_query(ctx, archive_sql.page_ids, SC_ARGS(PAGE_ARGS(q, conf),
			sc_text_span(q->with), sc_text_span(q->resource),
			sc_ints(q->ids, (size_t)q->n_ids),
			sc_texts(q->id_tails, (size_t)q->n_ids),
			sc_int(q->backwards ? -1 : 1)), page_arrived);
	if (q->with.p != NULL)
		return sc_db_detach_query(ctx, q->backwards ? archive_sql.page_with_back :
			archive_sql.page_with, SC_ARGS(PAGE_ARGS(q, conf), sc_text_span(q->with),
			sc_text_span(q->resource)), page_arrived);
	return sc_db_detach_query(ctx, q->backwards ? archive_sql.page_back : archive_sql.page,
		SC_ARGS(PAGE_ARGS(q, conf)), page_arrived);
}

static enum sc_verdict
all_written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK)
		return failed(ctx, rows);
	return read_page(ctx, sc_kept(ctx));
}

enum sc_verdict
page_of_account(struct sc_ctx *ctx, const struct sc_elem *query)
{
	struct sc_entity *account = sc_entity(ctx);
	struct archive *a = archive_of(account);
	struct query *q = sc_alloc(sc_arena(ctx), sizeof *q);
	enum sc_verdict verdict;

	if (!archive_is_on(sc_host(ctx)) || sc_entity_id(account) <= 0)
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	if (!query_read(ctx, query, q, &verdict))
		return verdict;
	q->owner = sc_entity_id(account);
	query_floor(q, archive_oldest(sc_host(ctx), sc_now()) - 1);
	query_floor(q, a->hidden);
	sc_keep(ctx, q);
	if (a->under_way == 0)
		return read_page(ctx, q);
	return sc_db_detach_query(ctx, archive_sql.fence, SC_ARGS(sc_int(q->owner)), all_written);
}
