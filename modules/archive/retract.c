/* SPDX-License-Identifier: MIT */
/*
 * retract: when somebody takes a message back, the archive keeps a tombstone in its place
 * (XEP-0424 §4): the message's addresses and its id, and that it was retracted. The retraction is
 * in the archive too, by keep.c.
 *
 * The message is looked for among the newest of the conversation, by the id that its sender gave
 * it, and only among those of the same sender (§5). That happens behind everything that is written
 * already, and nobody waits for it: a tombstone is a courtesy, the retraction itself is what
 * clients act upon.
 */
#include <stdlib.h>
#include <string.h>
#include "archive/archive.h"

#define NEWEST 10000

enum { COL_AT, COL_PAYLOAD, COL_RESOURCE };

/* Holds the account. */
struct job {
	struct sc_entity *account;
	int64_t at;                     /* of the retraction */
	char *id;                       /* which the retraction has */
	char *resource;                 /* NULL: the same account is enough */
};

static void
end(struct job *job)
{
	sc_entity_unpin(job->account);
	free(job->id);
	free(job->resource);
	free(job);
}

static char *
keep_text(struct sc_span s)
{
	char *copy = strndup(s.p, s.n);

	sc_assert(copy != NULL);
	return copy;
}

/* Nothing else of what it said, and about what, is left. */
static bool
is_said(const struct sc_elem *e, void *arg)
{
	(void)arg;
	return !sc_is(e, NS_SID, "stanza-id");
}

static char *
tombstone(struct sc_arena *arena, struct sc_stanza *m, const struct job *job)
{
	struct sc_elem *e;

	sc_remove_children(m, is_said, NULL);
	e = sc_add(m, sc_stanza_root(m), NS_RETRACT, "retracted");
	sc_set_attr(m, e, "id", job->id);
	sc_set_attr(m, e, "stamp", sc_timestamp(arena, job->at));
	return sc_stanza_text(arena, m, NULL);
}

/* A retraction cannot be taken back, nor can what has been taken back. */
static bool
may_be_retracted(const struct sc_stanza *m)
{
	return sc_find(m, NS_RETRACT, NULL) == NULL;
}

static void
found(void *arg, const struct sc_rows *rows)
{
	struct job *job = arg;
	struct sc_span text;
	struct sc_stanza *m;

	if (sc_rows_status(rows) != SC_DB_OK || sc_rows_count(rows) == 0 ||
	    (job->resource != NULL &&
	    !sc_span_is(sc_row_text(rows, 0, COL_RESOURCE), job->resource))) {
		end(job);
		return;
	}
	text = sc_row_text(rows, 0, COL_PAYLOAD);
	m = sc_stanza_read(text.p, text.n);
	if (m != NULL && may_be_retracted(m)) {
		sc_count(archive_counters.tombstones, 1);
		sc_db_run(archive_sql.replace, SC_ARGS(sc_int(sc_entity_id(job->account)),
			sc_int(sc_row_int(rows, 0, COL_AT)),
			sc_text(tombstone(sc_stanza_arena(m), m, job))), NULL, NULL);
	}
	sc_stanza_free(&m);
	end(job);
}

void
retract(struct sc_entity *account, const struct sc_stanza *m, bool sent,
	const struct sc_jid *other, int64_t at)
{
	const char *what = sc_attr(sc_find(m, NS_RETRACT, "retract"), "id");
	struct job *job;

	if (what == NULL || sc_id(m) == NULL)
		return;
	job = calloc(1, sizeof *job);
	sc_assert(job != NULL);
	job->account = account;
	sc_entity_pin(account);
	job->at = at;
	job->id = keep_text(sc_span(sc_id(m)));
	/* In a room the resource is who somebody is. */
	if (sc_find(m, NS_MUC_USER, "x") != NULL)
		job->resource = keep_text(sc_jid_is_bare(other) ? SC_SPAN("") :
			sc_jid_resource(other));
	sc_db_run(archive_sql.find, SC_ARGS(sc_int(sc_entity_id(account)),
		sc_text_span(sc_jid_bare_span(other)), sc_int(sent), sc_text(what),
		sc_int(sc_now()), sc_int(NEWEST)), found, job);
}
