/* SPDX-License-Identifier: MIT */
/*
 * remote_spool: rows for messages that wait for another server, so that they survive the process. A
 * row is written when a message has waited for long (or its sender's acknowledgement has), and goes
 * with it. After a start the rows come before anything new.
 */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "base/arena.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/remote.h"
#include "core/remote.sql.h"
#include "core/shard.h"
#include "net/loop.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

#define PAGE 200
#define AGAIN_MS 1000           /* the database is away */

enum row_state { ROW_WRITING, ROW_KEPT, ROW_FAILED };

/* In item->arg, while the item lives. */
struct row {
	struct remote *remote;          /* good while the item lives */
	struct outq_item *item;         /* NULL: it has ended */
	int64_t pair, sequence, deadline;
	const char *local, *domain;     /* in text[] */
	uint8_t state;
	char text[];
};

static _Thread_local bool unknown;      /* which pairs have rows is being asked */
/* the process ends: what it forgets stays in the database */
static _Thread_local bool stopping;
static _Thread_local int writing;
static _Thread_local struct timeout again;

bool
remote_spool_known(void)
{
	return !unknown;
}

int
remote_spool_busy(void)
{
	return writing;
}

/* --- the end of a row --- */

static void
drop_row(const struct row *row)
{
	sc_db_run(&sql_remote_drop, SC_ARGS(sc_int(row->pair), sc_text(row->local),
		sc_text(row->domain), sc_int(row->sequence)),
		NULL, NULL);
}

/* The item ends: it is safe, or was answered. */
static void
item_ended(void *arg, bool safe)
{
	struct row *row = arg;

	(void)safe;
	row->item = NULL;
	if (row->state == ROW_WRITING)
		return;                 /* kept() will see */
	if (row->state == ROW_KEPT && !stopping)
		drop_row(row);
	free(row);
}

bool
remote_has_row(const struct outq_item *item)
{
	const struct row *row = item->done == item_ended ? item->arg : NULL;

	return row != NULL && row->state != ROW_FAILED;
}

/* --- writing --- */

static struct row *
row_new(struct remote *r, struct outq_item *item)
{
	size_t l = strlen(r->local) + 1, d = strlen(r->domain) + 1;
	struct row *row = calloc(1, sizeof *row + l + d);

	sc_assert(row != NULL);
	row->remote = r;
	row->item = item;
	row->pair = r->pair;
	row->local = memcpy(row->text, r->local, l);
	row->domain = memcpy(row->text + l, r->domain, d);
	row->deadline = clock_mono() + remote_limits.keep_ms * 1000;
	item->done = item_ended;
	item->arg = row;
	return row;
}

/* Design §5, Limit: nothing holds the sender's `h` for ever. */
static void
give_up(struct row *row)
{
	struct outq_item *item = row->item;
	struct remote *r = row->remote;

	if (item->number == 0 || r->stream == NULL) {
		remote_bounce(r, item, SC_COND_RESOURCE_CONSTRAINT,
			"The message cannot be kept right now and was not sent.");
		return;
	}
	route_failed(item->stanza, item->custody, SC_COND_RESOURCE_CONSTRAINT,
		"The message cannot be kept right now; it may have arrived.");
	custody_release(item->custody);
	item->custody = NULL;
}

static void
kept(void *arg, const struct sc_rows *rows)
{
	struct row *row = arg;

	writing--;
	if (sc_rows_status(rows) == SC_DB_OK) {
		row->state = ROW_KEPT;
		STAT_INC(remote_rows);
		if (row->item == NULL) {
			drop_row(row);
			free(row);
			return;
		}
		custody_release(row->item->custody);
		row->item->custody = NULL;
		return;
	}
	row->state = ROW_FAILED;
	if (row->item == NULL) {
		free(row);
	} else if (row->item->custody != NULL && clock_mono() >= row->deadline) {
		give_up(row);
		route_run();
	} else if (!timeout_armed(&row->remote->spill)) {
		timeout_set(&row->remote->spill, AGAIN_MS);
	}
}

void
remote_spool_item(struct remote *r, struct outq_item *item)
{
	struct row *row = item->done == item_ended ? item->arg : row_new(r, item);
	const struct sc_stanza *s = item->stanza;
	struct buf text = { 0 };

	row->state = ROW_WRITING;
	row->sequence = item->since;    /* sc_moment(): never the same twice on a shard */
	stanza_splice(&text, s, sc_jid_span(sc_to(s)), (struct sc_span){ 0 }, false);
	writing++;
	sc_db_run(&sql_remote_keep, SC_ARGS(sc_int(row->pair), sc_text(row->local),
		sc_text(row->domain), sc_int(row->sequence),
		sc_text_span((struct sc_span){ text.p, text.n }), sc_int(item->since)), kept, row);
	buf_free(&text);
}

/* --- after a start --- */

struct reading {
	struct remote *remote;          /* READING: it stays */
	int64_t after;
	struct timeout again;
};

static void ask_page(struct reading *);

static void
ask_again(struct timeout *t)
{
	ask_page(container_of(t, struct reading, again));
}

static struct sc_stanza *
stanza_of(struct sc_span text)
{
	struct sc_arena *arena;
	struct sc_elem *root;
	struct sc_stanza *s;
	bool bad_from, bad_to;

	if (!xml_read(text.p, text.n, &arena, &root))
		return NULL;
	s = stanza_from_tree(arena, root);
	if (!stanza_addresses(s, &bad_from, &bad_to) || sc_from(s) == NULL || sc_to(s) == NULL)
		sc_stanza_free(&s);
	else
		sc_seal(s);
	return s;
}

static void
add_row(struct remote *r, int64_t sequence, struct sc_span payload, int64_t created)
{
	struct sc_stanza *s = stanza_of(payload);
	struct outq_item *item;
	struct row *row;

	if (s == NULL) {
		sc_log(NULL, SC_LOG_ERROR, "s2s.row_unreadable", "local=%s remote=%s sequence=%lld",
			r->local, r->domain,
			(long long)sequence);
		return;
	}
	item = outq_append(&r->q, s, OUTQ_TO_STANZA, NULL, 0, NULL, NULL, NULL, NULL);
	item->since = created;
	row = row_new(r, item);
	row->sequence = sequence;
	row->state = ROW_KEPT;
	sc_stanza_free(&s);
}

static void
page(void *arg, const struct sc_rows *rows)
{
	struct reading *reading = arg;
	int n = sc_rows_count(rows);

	if (stopping) {
		free(reading);
		return;
	}
	if (sc_rows_status(rows) != SC_DB_OK) {
		timeout_set(&reading->again, AGAIN_MS);
		return;
	}
	for (int i = 0; i < n; i++) {
		reading->after = sc_row_int(rows, i, 0);
		add_row(reading->remote, reading->after, sc_row_text(rows, i, 1),
			sc_row_int(rows, i, 2));
	}
	if (n == PAGE) {
		ask_page(reading);
		return;
	}
	remote_read(reading->remote);
	free(reading);
	route_run();
}

static void
ask_page(struct reading *reading)
{
	const struct remote *r = reading->remote;

	sc_db_run(&sql_remote_page, SC_ARGS(sc_int(r->pair), sc_text(r->local), sc_text(r->domain),
		sc_int(reading->after),
		sc_int(PAGE)), page, reading);
}

void
remote_spool_read(struct remote *r)
{
	struct reading *reading = calloc(1, sizeof *reading);

	sc_assert(reading != NULL);
	reading->remote = r;
	reading->after = INT64_MIN;
	timeout_init(&reading->again, ask_again);
	ask_page(reading);
}

static void ask_pairs(struct timeout *);

/* Those that came while the list was not known, and are not in it. */
static void
has_no_rows(void *arg, struct remote *r)
{
	(void)arg;
	if (r->state == REMOTE_READING && !r->has_rows)
		remote_read(r);
}

static void
pairs(void *arg, const struct sc_rows *rows)
{
	(void)arg;
	if (stopping)
		return;
	if (sc_rows_status(rows) != SC_DB_OK) {
		timeout_set(&again, AGAIN_MS);
		return;
	}
	for (int i = 0; i < sc_rows_count(rows); i++) {
		const char *local = sc_row_text(rows, i, 0).p, *domain = sc_row_text(rows, i, 1).p;
		int64_t last = sc_row_int(rows, i, 2);
		struct remote *r;

		if (remote_home(local, domain) != loop_id())
			continue;
		/* the clock went back: what comes now must still be later */
		if (last > shard.moment)
			shard.moment = last;
		r = remote_get(local, domain);
		r->has_rows = true;
		remote_spool_read(r);
	}
	unknown = false;
	remote_each(has_no_rows, NULL);
	route_run();
}

static void
ask_pairs(struct timeout *t)
{
	(void)t;
	sc_db_run(&sql_remote_pairs, SC_NO_ARGS, pairs, NULL);
}

void
remote_spool_start(void)
{
	unknown = true;
	stopping = false;
	timeout_init(&again, ask_pairs);
	ask_pairs(&again);
}

void
remote_spool_stop(void)
{
	stopping = true;
	unknown = false;
	if (again.fn != NULL)                   /* it was started */
		timeout_clear(&again);
}
