/* SPDX-License-Identifier: MIT */
/*
 * resume: after a restart. Sessions that come back are owed what they were owed before; and the
 * client of one that does not come back says how much of it it has.
 */
#include <stdlib.h>
#include "offline/spool.h"

#define ROWS_MAX 4096           /* given back to an account's sessions; the rest is drained */

/* --- sessions that come back --- */

static void
give_back(struct spool *s, const struct sc_rows *rows, int i)
{
	struct sc_span payload = sc_row_text(rows, i, 2);
	struct sc_stanza *m = payload.p != NULL ? sc_stanza_read(payload.p, payload.n) : NULL;
	struct sc_restored r = { .sequence = sc_row_int(rows, i, 0),
		.since = sc_row_int(rows, i, 1), .acked = sc_row_int(rows, i, 3) != 0,
		.list = sc_row_text(rows, i, 4).p };
	struct sc_owed *owed;

	if (m == NULL || sc_kind(m) != SC_MESSAGE) {    /* the drain will see to it */
		sc_stanza_free(&m);
		return;
	}
	r.patch = delay_patch(m, s, r.since);
	sc_seal(m);
	owed = sc_owed_restore(s->account, m, &r);
	if (owed != NULL)
		row_hold(s, r.sequence, payload.n, owed);
	sc_stanza_free(&m);
}

static enum sc_verdict
rows_arrived(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	if (sc_rows_status(rows) != SC_DB_OK)
		return SC_DROPPED;
	for (int i = 0; i < sc_rows_count(rows); i++)
		give_back(spool_of(sc_entity(ctx)), rows, i);
	/* The rest is for the first who comes, and what is new stays behind it. */
	drain_wait_for(spool_of(sc_entity(ctx)), sc_session_next(sc_entity(ctx), NULL));
	return SC_PASS;
}

enum sc_verdict
resume_give(struct sc_ctx *ctx, struct sc_ev_account *ev)
{
	return sc_db_hold(ctx, spool_sql.owed, SC_ARGS(sc_int(sc_entity_id(ev->account)),
		sc_int(sc_now()), sc_int(ROWS_MAX)), rows_arrived);
}

/* --- one that does not --- */

/* Lies in the ctx's arena. */
struct had {
	const char *id;
	int n;
	int64_t sequences[];
};

static enum sc_verdict
forget_given(struct sc_ctx *ctx, const struct had *had)
{
	sc_db_run(spool_sql.give_end, SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx))),
		sc_text(had->id)), NULL, NULL);
	return SC_PASS;
}

static enum sc_verdict
deleted(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	const struct had *had = sc_kept(ctx);
	struct spool *s = spool_of(sc_entity(ctx));

	if (sc_rows_status(rows) != SC_DB_OK)
		return SC_DROPPED;
	for (int i = 0; i < had->n; i++)
		drain_row_is_gone(s, had->sequences[i]);
	return forget_given(ctx, had);
}

/* Other sessions may be owed it too: then they keep it. One that has been given it by a drain gets
 * it. */
static void
look_at(struct spool *s, struct had *had, int64_t sequence)
{
	struct sc_owed *owed = row_owed(s, sequence);

	if (owed != NULL)
		sc_owed_had(owed);
	else if (!row_is_out(s, sequence))
		had->sequences[had->n++] = sequence;
}

static enum sc_verdict
found(struct sc_ctx *ctx, const struct sc_rows *rows)
{
	struct had *had;
	int n = sc_rows_count(rows);

	if (sc_rows_status(rows) != SC_DB_OK)
		return SC_DROPPED;
	had = sc_alloc(sc_arena(ctx), sizeof *had + (size_t)n * sizeof *had->sequences);
	*had = (struct had){ .id = sc_kept(ctx) };
	for (int i = 0; i < n; i++)
		look_at(spool_of(sc_entity(ctx)), had, sc_row_int(rows, i, 0));
	if (had->n == 0)
		return forget_given(ctx, had);
	sc_keep(ctx, had);
	return sc_db_hold(ctx, spool_sql.remove, SC_ARGS(sc_int(sc_entity_id(sc_entity(ctx))),
		sc_ints(had->sequences, (size_t)had->n)), deleted);
}

enum sc_verdict
resume_had(struct sc_ctx *ctx, struct sc_ev_resume *ev)
{
	sc_keep(ctx, sc_copy(sc_arena(ctx), ev->id));
	return sc_db_hold(ctx, spool_sql.had, SC_ARGS(sc_int(sc_entity_id(ev->account)),
		sc_text(ev->id), sc_int(ev->h)), found);
}

/* Its rows are for the next session, and no number that it names deletes one. */
void
resume_distrust(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	const char *id = sc_session_resumable(ev->session);

	(void)ctx;
	if (id != NULL)
		sc_db_run(spool_sql.distrust, SC_ARGS(
			sc_int(sc_entity_id(sc_session_account(ev->session))), sc_text(id)), NULL,
			NULL);
}
