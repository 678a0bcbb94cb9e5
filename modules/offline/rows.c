/* SPDX-License-Identifier: MIT */
/*
 * rows: a row that was given to a session stays in the database until the message is safe there,
 * and in a list here until it is deleted, so that no other session is given it. Deletions go in
 * batches: when nothing is owed any more, when many are safe, or a moment later.
 */
#include <stdlib.h>
#include "offline/spool.h"

#define BATCH 100
#define DELETE_SOON_MS 100
#define DELETE_AGAIN_MS 5000

enum row_state {
	ROW_HELD,       /* its message is with sessions, which the core keeps track of (owed.c) */
	ROW_OWED,       /* a drain gave it to a session */
	ROW_SAFE,
	ROW_DELETING,
};

/* Pins the account. */
struct row {
	struct row *next;
	struct spool *spool;
	int64_t sequence;
	uint32_t bytes;
	enum row_state state;
	struct sc_owed *owed;           /* while HELD */
};

struct deletion {
	struct spool *spool;
	int n;
	int64_t sequences[BATCH];
};

static void delete_safe(struct spool *);

/* Where the row with this sequence stands or would stand. */
static struct row **
place_of(struct spool *s, int64_t sequence)
{
	struct row **at = &s->rows;

	while (*at != NULL && (*at)->sequence < sequence)
		at = &(*at)->next;
	return at;
}

bool
row_is_out(const struct spool *s, int64_t sequence)
{
	const struct row *r = s->rows;

	while (r != NULL && r->sequence < sequence)
		r = r->next;
	return r != NULL && r->sequence == sequence;
}

static void
row_free(struct row *r)
{
	struct spool *s = r->spool;
	struct row **at = place_of(s, r->sequence);

	sc_assert(*at == r);
	*at = r->next;
	free(r);
	sc_entity_unpin(s->account);
}

static void
delete_later(void *arg)
{
	struct spool *s = arg;

	s->will_delete = false;
	delete_safe(s);
	sc_entity_unpin(s->account);
}

static void
will_delete(struct spool *s, int64_t ms)
{
	if (s->will_delete)
		return;
	s->will_delete = true;
	sc_entity_pin(s->account);
	sc_timer(ms, delete_later, s);
}

static void
deleted(void *arg, const struct sc_rows *rows)
{
	struct deletion *d = arg;
	struct spool *s = d->spool;
	bool ok = sc_rows_status(rows) == SC_DB_OK;

	sc_entity_pin(s->account);
	for (int i = 0; i < d->n; i++) {
		struct row *r = *place_of(s, d->sequences[i]);

		if (!ok) {
			r->state = ROW_SAFE;
			s->n_safe++;
			continue;
		}
		s->count--;
		s->bytes -= r->bytes;
		drain_row_is_gone(s, r->sequence);
		row_free(r);
	}
	if (!ok)
		will_delete(s, DELETE_AGAIN_MS);
	free(d);
	sc_entity_unpin(s->account);
}

static void
delete_safe(struct spool *s)
{
	while (s->n_safe > 0) {
		struct deletion *d = malloc(sizeof *d);

		sc_assert(d != NULL);
		d->spool = s;
		d->n = 0;
		for (struct row *r = s->rows; r != NULL && d->n < BATCH; r = r->next)
			if (r->state == ROW_SAFE) {
				r->state = ROW_DELETING;
				d->sequences[d->n++] = r->sequence;
			}
		s->n_safe -= d->n;
		sc_db_run(spool_sql.remove, SC_ARGS(sc_int(sc_entity_id(s->account)),
			sc_ints(d->sequences, (size_t)d->n)),
			deleted, d);
	}
}

/* last: nothing follows soon that could be deleted with it. */
static void
is_safe(struct row *r, bool last)
{
	struct spool *s = r->spool;

	r->state = ROW_SAFE;
	s->n_safe++;
	if (last || s->n_safe >= BATCH)
		delete_safe(s);
	else
		will_delete(s, DELETE_SOON_MS);
}

static void
row_done(void *arg, bool safe)
{
	struct row *r = arg;
	struct spool *s = r->spool;
	int64_t sequence = r->sequence;

	s->n_owed--;
	if (!safe) {
		sc_entity_pin(s->account);
		row_free(r);
		drain_row_came_back(s, sequence);
		sc_entity_unpin(s->account);
		return;
	}
	sc_count(spool_counters.delivered, 1);
	is_safe(r, s->n_owed == 0);
	if (s->n_owed == 0)
		given_look(s);
}

static struct row *
row_new(struct spool *s, int64_t sequence, size_t bytes, enum row_state state)
{
	struct row *r = calloc(1, sizeof *r), **at = place_of(s, sequence);

	sc_assert(r != NULL && (*at == NULL || (*at)->sequence != sequence));
	r->spool = s;
	r->sequence = sequence;
	r->bytes = (uint32_t)bytes;
	r->state = state;
	r->next = *at;
	*at = r;
	sc_entity_pin(s->account);
	return r;
}

void
row_push(struct spool *s, struct sc_session *session, int64_t sequence, size_t bytes,
	const struct sc_stanza *sealed, const char *patch)
{
	struct row *r = row_new(s, sequence, bytes, ROW_OWED);

	s->n_owed++;
	sc_push_row(session, sealed, patch, sequence, row_done, r);
}

void
row_hold(struct spool *s, int64_t sequence, size_t bytes, struct sc_owed *owed)
{
	row_new(s, sequence, bytes, ROW_HELD)->owed = owed;
}

/* NULL: not there, or past that. */
static struct row *
held_row(struct spool *s, int64_t sequence)
{
	struct row *r = *place_of(s, sequence);

	return r != NULL && r->sequence == sequence && r->state == ROW_HELD ? r : NULL;
}

struct sc_owed *
row_owed(const struct spool *s, int64_t sequence)
{
	for (const struct row *r = s->rows; r != NULL && r->sequence <= sequence; r = r->next)
		if (r->sequence == sequence)
			return r->state == ROW_HELD ? r->owed : NULL;
	return NULL;
}

void
row_sweep(struct spool *s)
{
	int64_t *kept;
	size_t n = 0;

	for (const struct row *r = s->rows; r != NULL; r = r->next)
		n++;
	kept = malloc((n + 1) * sizeof *kept);
	sc_assert(kept != NULL);
	n = 0;
	for (const struct row *r = s->rows; r != NULL; r = r->next)
		kept[n++] = r->sequence;
	sc_db_run(spool_sql.orphans, SC_ARGS(sc_int(sc_entity_id(s->account)), sc_ints(kept, n)),
		NULL, NULL);
	free(kept);
}

void
row_is_safe(struct spool *s, int64_t sequence)
{
	struct row *r = held_row(s, sequence);

	if (r != NULL)
		is_safe(r, false);
}

void
row_release(struct spool *s, int64_t sequence)
{
	struct row *r = held_row(s, sequence);

	if (r != NULL)
		row_free(r);
}
