/* SPDX-License-Identifier: MIT */
/* metadata: the first and the last message of an archive (XEP-0313 §5), for whoever asks, and with
 * a login (XEP-0386 §3.2): then it is as of that moment. */
#include "archive/archive.h"

static void
add_end(struct sc_stanza *s, struct sc_elem *parent, struct sc_arena *arena, const char *name,
	const struct place *p)
{
	struct sc_elem *e = sc_add(s, parent, NULL, name);

	sc_set_attr(s, e, "id", sc_archive_id_of(arena, p->at, sc_span(p->tail)));
	sc_set_attr(s, e, "timestamp", sc_timestamp(arena, p->at));
}

static void
add_metadata(struct sc_stanza *s, struct sc_arena *arena, const struct place *first,
	const struct place *last)
{
	struct sc_elem *e = sc_add(s, sc_stanza_root(s), NS_MAM, "metadata");

	if (first->at == 0)             /* §5: an empty archive, an empty element */
		return;
	add_end(s, e, arena, "start", first);
	add_end(s, e, arena, "end", last);
}

static enum sc_verdict
ends_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct sc_stanza *result;
	struct place first, last;

	if (sc_rows_status(rows) != SC_DB_OK)
		return sc_refuse(ctx, sc_rows_status(rows) == SC_DB_BUSY ?
			SC_COND_RESOURCE_CONSTRAINT : SC_COND_INTERNAL, NULL);
	load_ends(rows, &first, &last);
	result = sc_result(ctx);
	add_metadata(result, sc_arena(ctx), &first, &last);
	return sc_answer(ctx, &result);
}

static enum sc_verdict
read_ends(struct sc_ctx *ctx)
{
	int64_t now = sc_now();

	return sc_db_detach(ctx, archive_sql.load, SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx))),
		sc_int(now), sc_int(archive_oldest(sc_host(ctx), now) - 1)), ends_arrived);
}

static enum sc_verdict
all_written(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK)
		return ends_arrived(ctx, rows);         /* says so */
	return read_ends(ctx);
}

/* As for a page: what the asker has seen is counted in. */
enum sc_verdict
metadata_of_account(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	struct sc_entity *account = sc_entity(ctx);

	(void)asked;
	if (!archive_is_on(sc_host(ctx)) || sc_entity_id(account) <= 0)
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	if (archive_of(account)->under_way == 0)
		return read_ends(ctx);
	return sc_db_detach(ctx, archive_sql.fence, SC_ARGS(sc_int(sc_entity_id(account))),
		all_written);
}

/* From memory, for a login waits for nothing. What is not known for sure is not said: the client
 * asks then. */
void
metadata_at_bind(struct sc_ctx *ctx, struct sc_ev_features *ev)
{
	struct sc_entity *account = sc_session_account(ev->session);
	struct sc_host *host = sc_entity_host(account);
	const struct archive *a = archive_of(account);

	if (!archive_is_on(host) || sc_entity_id(account) <= 0 || !a->ends_known ||
	    (a->first.at != 0 && a->first.at < archive_oldest(host, sc_now())))
		return;
	add_metadata(ev->into, sc_arena(ctx), &a->first, &a->last);
}
