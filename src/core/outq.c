/* SPDX-License-Identifier: MIT */
/* outq: appending, splicing into wire bytes, and telling who asked that something is safe. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "base/budget.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/outq.h"
#include "core/owed.h"
#include "core/session.h"
#include "xmpp/stanza.h"

void
outq_init(struct outq *q)
{
	*q = (struct outq){ 0 };
	q->last = &q->first;
	q->flying_last = &q->flying;
}

static void
charge(struct outq *q, int64_t bytes)
{
	q->bytes = (size_t)((int64_t)q->bytes + bytes);
	budget_charge(BUDGET_OUTQ, bytes);
}

struct outq_item *
outq_append(struct outq *q, const struct sc_stanza *sealed, enum outq_to to, const char *patch,
	size_t patch_len,
	struct custody *held, struct sc_owed *owed, void (*done)(void *, bool), void *arg)
{
	struct outq_item *item = malloc(sizeof *item + patch_len);

	sc_assert(item != NULL && sealed->sealed && patch_len <= UINT16_MAX);
	*item = (struct outq_item){ .stanza = sc_ref(sealed), .custody = held, .q = q, .owed = owed,
		.done = done, .arg = arg,
		.to = (uint8_t)to, .patch_len = (uint16_t)patch_len };
	if (patch_len > 0)
		memcpy(item->patch, patch, patch_len);
	item->since = sc_moment();
	link_init(&item->in_owed);
	if (owed != NULL)
		owed_join(owed, item);
	item->weight = (uint32_t)(sizeof *item + patch_len + sealed->wire.n);
	item->place = ++q->appended;
	*q->last = item;
	q->last = &item->next;
	q->n++;
	charge(q, item->weight);
	return item;
}

static void
is_not_later(struct outq *q, struct outq_item *item)
{
	if (!item->later)
		return;
	item->later = false;
	q->n_later--;
	q->bytes_later -= item->weight;
}

/* The item is in no list any more. */
static void
item_end(struct outq *q, struct outq_item *item, bool safe)
{
	if (item->stanza != NULL)
		charge(q, -(int64_t)item->weight);
	sc_stanza_free(&item->stanza);
	if (item->owed != NULL)
		owed_leave(item, safe);
	if (item->done != NULL)
		item->done(item->arg, safe);
	custody_release(item->custody);
	free(item);
}

static struct outq_item *
take_first(struct outq *q)
{
	struct outq_item *item = q->first;

	q->first = item->next;
	if (q->first == NULL)
		q->last = &q->first;
	item->next = NULL;
	q->n--;
	is_not_later(q, item);
	return item;
}

static struct outq_item *
take_flying(struct outq *q)
{
	struct outq_item *item = q->flying;

	q->flying = item->next;
	if (q->flying == NULL)
		q->flying_last = &q->flying;
	item->next = NULL;
	q->n_flying--;
	return item;
}

static bool
is_waited_for(const struct outq_item *item)
{
	return item->done != NULL || item->custody != NULL || item->owed != NULL;
}

/* A message is kept until the kernel has it: a link that breaks must not take it along. */
static bool
is_sent_again(const struct outq_item *item)
{
	const struct sc_stanza *s = item->stanza;

	return s->kind == SC_MESSAGE && (s->type == SC_TYPE_NORMAL || s->type == SC_TYPE_CHAT) &&
		item->done == NULL;
}

/* The item has been written: it flies until it is acknowledged, or with the kernel, or it is
 * done. */
static void
fly(struct outq *q, struct outq_item *item)
{
	if (q->counts) {
		item->number = ++q->sent;
	} else if (!q->keeps && !is_sent_again(item)) {
		if (!is_waited_for(item)) {
			item_end(q, item, true);
			return;
		}
		charge(q, -(int64_t)item->weight);
		sc_stanza_free(&item->stanza);
	}
	*q->flying_last = item;
	q->flying_last = &item->next;
	q->n_flying++;
}

int
outq_write(struct outq *q, struct buf *buf, struct sc_span self, size_t limit, bool framed,
	bool *waited)
{
	int n = 0;
	size_t before = buf->n;

	while (q->first != NULL && buf->n < limit) {
		struct outq_item *item = take_first(q);
		struct sc_span to = item->to == OUTQ_TO_SELF ? self :
			item->stanza->to != NULL ? sc_jid_span(item->stanza->to)
				: (struct sc_span){ 0 };

		stanza_splice(buf, item->stanza, to, (struct sc_span){ item->patch,
			item->patch_len }, framed);
		if (item->stanza->kind == SC_MESSAGE && !q->keeps)
			STAT_INC(messages_delivered);
		*waited = *waited || is_waited_for(item);
		item->end = q->written + buf->n - before;
		fly(q, item);
		n++;
	}
	q->written += buf->n - before;
	return n;
}

/* Those who are told may append to the queue, never to what is flying. */
void
outq_landed(struct outq *q, size_t waiting)
{
	uint64_t there = waiting < q->written ? q->written - waiting : 0;

	while (!q->counts && q->flying != NULL && q->flying->end <= there)
		item_end(q, take_flying(q), true);
}

bool
outq_ack(struct outq *q, uint32_t h)
{
	uint32_t newly = h - q->acked;

	if (newly > q->sent - q->acked)
		/* what it has acknowledged before (modulo 2^32): nothing new */
		return (int32_t)newly < 0;
	q->acked = h;
	while (newly-- > 0 && q->flying != NULL) {
		struct outq_item *item = take_flying(q);

		if (item->watched)
			session_tell_acked(container_of(q, struct sc_session, outq), item->stanza);
		item_end(q, item, true);
	}
	return true;
}

uint32_t
outq_number(struct outq_item *item)
{
	struct outq *q = item->q;

	if (!q->counts)
		return 0;
	/* What waits until something urgent comes may still go, and all behind it would move up. */
	if (item->number == 0 && q->n_later > 0)
		return 0;
	if ((int32_t)(item->place - q->named) > 0)
		q->named = item->place;
	return item->number != 0 ? item->number : q->sent + 1 + (item->place - q->first->place);
}

void
outq_rewind(struct outq *q)
{
	if (q->flying == NULL)
		return;
	for (struct outq_item *item = q->flying; item != NULL; item = item->next)
		item->number = 0;
	*q->flying_last = q->first;
	if (q->first == NULL)
		q->last = q->flying_last;
	q->first = q->flying;
	q->n += q->n_flying;
	q->n_flying = 0;
	q->flying = NULL;
	q->flying_last = &q->flying;
	q->sent = q->acked;
}

/* Out of one of the two lists. False: not in it. */
static bool
unlink_from(struct outq_item **first, struct outq_item ***last, struct outq_item *item)
{
	for (struct outq_item **at = first; *at != NULL; at = &(*at)->next) {
		if (*at != item)
			continue;
		*at = item->next;
		if (*at == NULL)
			*last = at;
		item->next = NULL;
		return true;
	}
	return false;
}

static bool
take_unwritten(struct outq *q, struct outq_item *item)
{
	struct outq_item *behind = item->next;

	if (!unlink_from(&q->first, &q->last, item))
		return false;
	for (; behind != NULL; behind = behind->next)
		behind->place--;
	q->appended--;
	q->n--;
	is_not_later(q, item);
	return true;
}

bool
outq_withdraw(struct outq *q, struct outq_item *item)
{
	if (!take_unwritten(q, item))
		return false;
	item_end(q, item, false);
	return true;
}

void
outq_count_from(struct outq *q, uint32_t h)
{
	struct outq_item *item = q->first;

	sc_assert(q->flying == NULL);
	while (item != NULL) {
		if (item->number == 0 || (int32_t)(h - item->number) < 0) {
			item = item->next;
		} else if (take_unwritten(q, item)) {
			item_end(q, item, true);
			item = q->first;        /* whoever was told may have changed the queue */
		}
	}
	for (item = q->first; item != NULL; item = item->next)
		item->number = 0;
	q->sent = q->acked = h;
}

/* Superfluous, and nothing behind it has a number that somebody has written down. */
static bool
may_go(const struct outq *q, const struct outq_item *item)
{
	return !q->counts || (int32_t)(q->named - item->place) <= 0;
}

/* --- what is not urgent --- */

void
outq_drop_later(struct outq *q, uint64_t key)
{
	struct outq_item *next;

	for (struct outq_item *item = q->n_later > 0 ? q->first : NULL; item != NULL; item = next) {
		next = item->next;
		if (item->later && item->key == key && may_go(q, item) && take_unwritten(q, item))
			item_end(q, item, true);
	}
}

void
outq_later(struct outq *q, struct outq_item *item, uint64_t key)
{
	if (key != 0)
		outq_drop_later(q, key);
	item->later = true;
	item->key = key;
	q->n_later++;
	q->bytes_later += item->weight;
}

void
outq_hurry(struct outq *q)
{
	for (struct outq_item *item = q->n_later > 0 ? q->first : NULL; item != NULL;
	    item = item->next)
		is_not_later(q, item);
}

void
outq_supersede_presence(struct outq *q, const struct sc_jid *from)
{
	struct outq_item *next;

	for (struct outq_item *item = q->first; item != NULL; item = next) {
		const struct sc_stanza *s = item->stanza;

		next = item->next;
		if (s->kind == SC_PRESENCE && (s->type == SC_TYPE_AVAILABLE ||
		    s->type == SC_TYPE_UNAVAILABLE) &&
		    sc_jid_same(s->from, from) && item->done == NULL && may_go(q, item))
			(void)outq_withdraw(q, item);
	}
}

void
outq_clear(struct outq *q, void (*lost)(void *arg, struct outq_item *), void *arg)
{
	outq_rewind(q);
	while (q->first != NULL) {
		struct outq_item *item = take_first(q);

		if (lost != NULL && item->stanza != NULL)
			lost(arg, item);
		item_end(q, item, false);
	}
}
