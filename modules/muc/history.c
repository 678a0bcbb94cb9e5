/* SPDX-License-Identifier: MIT */
/*
 * history: the last messages of a room, for those who enter (§7.2.13). Kept as text, with the delay
 * that it is sent with, so that a quiet room costs what its words weigh.
 */
#include "muc/muc.h"

#include <stdlib.h>
#include <string.h>

struct item {
	int64_t at;
	size_t n;
	char *text;                     /* with <delay/>, without `to` */
};

struct history {
	struct item *items;             /* a ring */
	int room, first, n;
	bool full_once;                 /* older ones are in the log only, or nowhere */
};

static struct item *
item_at(const struct history *h, int i)
{
	return &h->items[(h->first + i) % h->room];
}

static struct history *
history_of(struct room *r)
{
	int64_t most = room_conf(r)->max_history;

	if (r->history != NULL)
		return r->history;
	r->history = calloc(1, sizeof *r->history);
	sc_assert(r->history != NULL);
	r->history->room = (int)most;
	r->history->items = calloc((size_t)most + 1, sizeof *r->history->items);
	sc_assert(r->history->items != NULL);
	return r->history;
}

void
history_free(struct room *r)
{
	struct history *h = r->history;

	r->history = NULL;
	if (h == NULL)
		return;
	for (int i = 0; i < h->n; i++)
		free(item_at(h, i)->text);
	free(h->items);
	free(h);
}

static void
put(struct room *r, int64_t at, const char *text, size_t n)
{
	struct history *h = history_of(r);
	struct item *item;

	if (h->room == 0) {
		h->full_once = true;
		return;
	}
	if (h->n == h->room) {
		free(item_at(h, 0)->text);
		h->first = (h->first + 1) % h->room;
		h->n--;
		h->full_once = true;
	}
	item = item_at(h, h->n++);
	item->at = at;
	item->n = n;
	item->text = malloc(n + 1);
	sc_assert(item->text != NULL);
	memcpy(item->text, text, n);
	item->text[n] = '\0';
}

/* XEP-0203; 'from' MUST be the room. */
static void
add_delay(const struct room *r, struct sc_stanza *m, int64_t at)
{
	sc_add_delay(m, sc_entity_jid(r->entity), at);
}

static void
put_delayed(struct room *r, int64_t at, struct sc_stanza *m)
{
	size_t n;
	const char *text;

	add_delay(r, m, at);
	text = sc_stanza_text(sc_stanza_arena(m), m, &n);
	put(r, at, text, n);
}

void
history_put(struct room *r, int64_t at, struct sc_span payload)
{
	struct sc_stanza *m = sc_stanza_read(payload.p, payload.n);

	sc_entity_moment_was(r->entity, at);
	if (m == NULL) {
		sc_log(NULL, SC_LOG_WARN, "muc.log_unreadable", "room=%s at=%lld",
			sc_entity_jid(r->entity)->text, (long long)at);
		return;
	}
	put_delayed(r, at, m);
	sc_stanza_free(&m);
}

void
history_add(struct room *r, int64_t at, const struct sc_stanza *sealed)
{
	struct sc_stanza *m = sc_stanza_copy(sealed);

	put_delayed(r, at, m);
	sc_stanza_free(&m);
}

void
history_replace(struct room *r, int64_t at, struct sc_span payload)
{
	struct history *h = r->history;
	struct sc_stanza *m;

	for (int i = 0; h != NULL && i < h->n; i++) {
		struct item *item = item_at(h, i);
		const char *text;

		if (item->at != at || (m = sc_stanza_read(payload.p, payload.n)) == NULL)
			continue;
		add_delay(r, m, at);
		text = sc_stanza_text(sc_stanza_arena(m), m, &item->n);
		free(item->text);
		item->text = strdup(text);
		sc_stanza_free(&m);
	}
}

bool
history_covers(const struct room *r, int64_t after)
{
	const struct history *h = r->history;

	return h == NULL || !h->full_once || (h->n > 0 && item_at(h, 0)->at <= after);
}

/* --- sending --- */

static bool
give(struct seat *s, int64_t at, const char *text, size_t n)
{
	struct sc_stanza *m = sc_stanza_read(text, n);

	if (m == NULL)
		return false;
	sc_seal(m);
	sc_fan_send_one(s->occupant->room->fan, s->number, m, at);
	sc_stanza_free(&m);
	return true;
}

/* "The service MUST send the smallest amount of traffic that meets any combination of the above
 * criteria": the newest that fit all of them. Returns the first of them. */
static int
first_wanted(const struct room *r, const struct arrival *a, int64_t until)
{
	const struct history *h = r->history;
	int64_t most = a->asked ? a->max_stanzas : r->config.history;
	int64_t chars = a->max_chars;
	int i = h->n;

	for (; i > 0; i--) {
		const struct item *item = item_at(h, i - 1);
		bool missed = item->at > a->missed_after;

		if (item->at > until)
			continue;
		if ((!missed && most <= 0) || item->at < a->since || (int64_t)item->n > chars)
			break;
		most--;
		chars -= (int64_t)item->n;
	}
	return i;
}

static int
send_missed(struct seat *s, const struct arrival *a)
{
	const struct history *h = s->occupant->room->history;
	int n = 0;

	for (int i = 0; i < a->n_missed; i++) {
		bool in_memory = h != NULL && h->n > 0 && a->missed[i].at >= item_at(h, 0)->at;
		struct sc_stanza *m;

		if (in_memory || (m = sc_stanza_read(a->missed[i].payload,
		    strlen(a->missed[i].payload))) == NULL)
			continue;
		add_delay(s->occupant->room, m, a->missed[i].at);
		sc_seal(m);
		sc_fan_send_one(s->occupant->room->fan, s->number, m, a->missed[i].at);
		sc_stanza_free(&m);
		n++;
	}
	sc_count(muc_counters.missed, n);
	return n;
}

int
history_send(struct seat *s, const struct arrival *a, int64_t until)
{
	const struct room *r = s->occupant->room;
	const struct history *h = r->history;
	int n = send_missed(s, a);

	if (h == NULL)
		return n;
	for (int i = first_wanted(r, a, until); i < h->n && item_at(h, i)->at <= until; i++)
		n += give(s, item_at(h, i)->at, item_at(h, i)->text, item_at(h, i)->n);
	sc_count(muc_counters.history, n);
	return n;
}

void
arrival_free(struct arrival *a)
{
	for (int i = 0; i < a->n_missed; i++)
		free(a->missed[i].payload);
	free(a->missed);
	*a = (struct arrival){ 0 };
}
