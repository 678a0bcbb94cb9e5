/* SPDX-License-Identifier: MIT */
/* seen: see seen.h. */
#include <stdlib.h>
#include <string.h>
#include "last_activity/seen.h"

/* An account is pinned while its time is in the list or on its way, so that a slot is never freed
 * with something unwritten. */
struct batch {
	int n;
	struct sc_entity *accounts[];
};

void
seen_fini(void *slot)
{
	struct seen *s = slot;

	free(s->status);
}

static void
will_be_written(struct sc_entity *account, struct seen *s)
{
	struct seen_shard *shard = sc_shard_slot(seen_shard_slot);

	if (s->unwritten)
		return;
	s->unwritten = true;
	s->account = account;
	s->next = shard->unwritten;
	shard->unwritten = s;
	shard->n++;
	sc_entity_pin(account);
}

void
seen_now(struct sc_entity *account, const char *status)
{
	struct seen *s = sc_entity_slot(account, seen_slot);

	free(s->status);
	s->status = NULL;
	if (status != NULL && *status != '\0' && strlen(status) <= STATUS_MAX) {
		s->status = strdup(status);
		sc_assert(s->status != NULL);
	}
	s->at = sc_now();
	will_be_written(account, s);
}

static void
written(void *arg, const struct sc_rows *rows)
{
	struct batch *b = arg;
	bool ok = sc_rows_status(rows) == SC_DB_OK;

	for (int i = 0; i < b->n; i++) {
		if (!ok)        /* the next batch tries again */
			will_be_written(b->accounts[i], sc_entity_slot(b->accounts[i], seen_slot));
		sc_entity_unpin(b->accounts[i]);
	}
	free(b);
}

void
seen_write(const struct sc_stmt *stmt)
{
	struct seen_shard *shard = sc_shard_slot(seen_shard_slot);
	size_t n = (size_t)shard->n;
	struct batch *b;
	int64_t *ids, *times;
	struct sc_span *texts;

	if (n == 0)
		return;
	b = malloc(sizeof *b + n * sizeof *b->accounts);
	ids = malloc(n * sizeof *ids);
	times = malloc(n * sizeof *times);
	texts = malloc(n * sizeof *texts);
	sc_assert(b != NULL && ids != NULL && times != NULL && texts != NULL);
	b->n = 0;
	for (struct seen *s = shard->unwritten; s != NULL; s = s->next) {
		s->unwritten = false;
		ids[b->n] = sc_entity_id(s->account);
		times[b->n] = s->at;
		texts[b->n] = sc_span(s->status != NULL ? s->status : "");
		b->accounts[b->n++] = s->account;
	}
	shard->unwritten = NULL;
	shard->n = 0;
	sc_db_run(stmt, SC_ARGS(sc_ints(ids, n), sc_ints(times, n), sc_texts(texts, n)),
		written, b);
	free(ids);
	free(times);
	free(texts);
}
