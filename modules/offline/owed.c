/* SPDX-License-Identifier: MIT */
/*
 * owed: rows for messages that sessions have been given but are slow to acknowledge, or that wait
 * for a session that sleeps (XEP-0198). The core decides when one is needed (event message_owed)
 * and says what becomes of it (message_settled); until then the row is in the list of rows.c, so
 * that no drain gives it to anybody.
 *
 * When one session has acknowledged the message the row stays for the others that are owed it and
 * may be resumed, and for nobody else; its list says who.
 */
#include <stdlib.h>
#include <string.h>
#include "offline/spool.h"

/* Keeps the account in memory, until the database has answered. */
struct job {
	struct job *next;               /* in spool->jobs, while the account is being counted */
	struct sc_owed *owed;
	struct spool *spool;
	int64_t sequence;
	size_t bytes;
	char *list;                     /* malloced: who is owed it */
	char payload[];
};

static void
job_end(struct job *job, enum sc_owed_kept kept)
{
	struct spool *s = job->spool;

	sc_owed_stored(job->owed, kept);
	free(job->list);
	free(job);
	s->writing--;
	drain_go_on(s);
	sc_entity_unpin(s->account);
}

static void
written(void *arg, const struct sc_rows *rows)
{
	struct job *job = arg;

	if (sc_rows_status(rows) == SC_DB_OK) {
		sc_count(spool_counters.stored, 1);
		job_end(job, SC_OWED_KEPT);
		return;
	}
	sc_count(spool_counters.busy, 1);
	job->spool->count--;
	job->spool->bytes -= (int64_t)job->bytes;
	row_release(job->spool, job->sequence);
	sc_owed_set_sequence(job->owed, 0);
	job_end(job, SC_OWED_FAILED);
}

static void
write_row(struct job *job)
{
	struct spool *s = job->spool;
	const struct sc_stanza *m = sc_owed_stanza(job->owed);
	int64_t since = sc_owed_since(job->owed);

	job->sequence = keep_sequence_since(s, since);
	sc_owed_set_sequence(job->owed, job->sequence);
	row_hold(s, job->sequence, job->bytes, job->owed);
	keep_add(s, job->sequence, m, (struct sc_span){ job->payload, job->bytes }, since,
		job->list, sc_owed_acked(job->owed), written, job);
}

static void
refuse(struct job *job)
{
	sc_count(spool_counters.full, 1);
	job_end(job, SC_OWED_FAILED);
}

/* In the order in which they came, because that is the order of their sequences. */
static void
counted(void *arg, const struct sc_rows *rows)
{
	struct spool *s = arg;
	struct job *job = s->jobs;
	bool ok = sc_rows_status(rows) == SC_DB_OK;

	s->jobs = NULL;
	if (ok && !keep_count_is_good(s))
		keep_set_count(s, rows);
	while (job != NULL) {
		struct job *next = job->next;

		if (!ok)
			sc_count(spool_counters.busy, 1);
		if (!ok)
			job_end(job, SC_OWED_FAILED);
		else if (keep_is_full(s, job->bytes))
			refuse(job);
		else
			write_row(job);
		job = next;
	}
	sc_entity_unpin(s->account);
}

static void
count_first(struct job *job)
{
	struct spool *s = job->spool;
	struct job **at = &s->jobs;

	if (s->jobs == NULL) {
		sc_entity_pin(s->account);
		sc_db_run(spool_sql.count, SC_ARGS(sc_int(sc_entity_id(s->account))), counted, s);
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = job;
}

void
owed_keep(struct sc_ctx *ctx, const struct sc_ev_owed *ev)
{
	struct spool *s = spool_of(ev->account);
	size_t bytes;
	const char *payload;
	struct job *job;

	if (is_nobodys(s) || worth_of(sc_owed_stanza(ev->owed)) != WORTH_STORING) {
		sc_owed_stored(ev->owed, SC_OWED_NOT_WANTED);
		return;
	}
	payload = sc_stanza_text(sc_arena(ctx), sc_owed_stanza(ev->owed), &bytes);
	job = malloc(sizeof *job + bytes);
	sc_assert(job != NULL);
	*job = (struct job){ .owed = ev->owed, .spool = s, .bytes = bytes };
	job->list = strdup(sc_owed_list(sc_arena(ctx), ev->owed));
	memcpy(job->payload, payload, bytes);
	sc_entity_pin(s->account);
	/* The session may end before the row is there: the next one must not pass it. */
	s->writing++;
	if (s->jobs == NULL && s->counted_at != 0 && !keep_is_full(s, bytes))
		write_row(job);
	else if (s->jobs == NULL && keep_count_is_good(s))
		refuse(job);
	else
		count_first(job);
}

void
owed_settle(struct sc_ctx *ctx, const struct sc_ev_settled *ev)
{
	struct spool *s = spool_of(ev->account);
	int64_t sequence = sc_owed_sequence(ev->owed);

	if (sequence == 0)
		return;
	if (ev->how == SC_SETTLED_PLAIN) {
		row_release(s, sequence);
		drain_row_came_back(s, sequence);
	} else if (ev->how == SC_SETTLED_SAFE) {
		row_is_safe(s, sequence);
	} else {
		sc_db_run(spool_sql.noted, SC_ARGS(sc_int(sc_entity_id(s->account)),
			sc_int(sequence),
			sc_text(sc_owed_list(sc_arena(ctx), ev->owed))), NULL, NULL);
	}
}
