/* SPDX-License-Identifier: MIT */
/* outq: appending, splicing into wire bytes, and telling who asked that something is safe. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/budget.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/outq.h"
#include "xmpp/stanza.h"

void
outq_init(struct outq *q)
{
	*q = (struct outq){ 0 };
	q->last = &q->first;
	q->flying_last = &q->flying;
}

void
outq_append(struct outq *q, const struct sc_stanza *sealed, enum outq_to to, const char *patch, size_t patch_len,
	struct custody *held, void (*done)(void *, bool), void *arg)
{
	struct outq_item *item = malloc(sizeof *item + patch_len);

	sc_assert(item != NULL && sealed->sealed && patch_len <= UINT16_MAX);
	*item = (struct outq_item){ .stanza = sc_ref(sealed), .custody = held, .done = done, .arg = arg, .to = (uint8_t)to,
		.patch_len = (uint16_t)patch_len };
	if (patch_len > 0)
		memcpy(item->patch, patch, patch_len);
	item->weight = (uint32_t)(sizeof *item + patch_len + sealed->wire.n);
	*q->last = item;
	q->last = &item->next;
	q->n++;
	q->bytes += item->weight;
	budget_charge(BUDGET_OUTQ, item->weight);
	stats_add(STAT_mem_outq_now, item->weight);
}

static void
item_free(struct outq_item *item, bool safe)
{
	if (item->done != NULL)
		item->done(item->arg, safe);
	custody_release(item->custody);
	free(item);
}

/* Out of the account of what waits; the stanza is not needed any more. */
static void
item_settle(struct outq *q, struct outq_item *item)
{
	q->n--;
	q->bytes -= item->weight;
	budget_charge(BUDGET_OUTQ, -(int64_t)item->weight);
	stats_add(STAT_mem_outq_now, -(int64_t)item->weight);
	sc_stanza_free(&item->stanza);
}

static struct outq_item *
take_first(struct outq *q)
{
	struct outq_item *item = q->first;

	q->first = item->next;
	if (q->first == NULL)
		q->last = &q->first;
	item->next = NULL;
	return item;
}

int
outq_write(struct outq *q, struct buf *buf, struct sc_span self, size_t limit, bool framed)
{
	int n = 0;

	while (q->first != NULL && buf->n < limit) {
		struct outq_item *item = take_first(q);
		struct sc_span to = item->to == OUTQ_TO_SELF ? self :
			item->stanza->to != NULL ? sc_jid_span(item->stanza->to) : (struct sc_span){ 0 };

		stanza_splice(buf, item->stanza, to, (struct sc_span){ item->patch, item->patch_len }, framed);
		if (item->stanza->kind == SC_MESSAGE)
			STAT_INC(messages_delivered);
		item_settle(q, item);
		n++;
		if (item->done == NULL && item->custody == NULL) {
			free(item);
			continue;
		}
		*q->flying_last = item;
		q->flying_last = &item->next;
	}
	return n;
}

/* The callbacks may append to the queue, never to what is flying. */
static void
land(struct outq *q, bool safe)
{
	struct outq_item *item = q->flying;

	q->flying = NULL;
	q->flying_last = &q->flying;
	while (item != NULL) {
		struct outq_item *next = item->next;

		item_free(item, safe);
		item = next;
	}
}

void
outq_landed(struct outq *q)
{
	if (q->flying != NULL)
		land(q, true);
}

void
outq_supersede_presence(struct outq *q, const struct sc_jid *from)
{
	struct outq_item **at = &q->first;

	while (*at != NULL) {
		struct outq_item *item = *at;
		const struct sc_stanza *s = item->stanza;

		if (s->kind != SC_PRESENCE || (s->type != SC_TYPE_AVAILABLE && s->type != SC_TYPE_UNAVAILABLE) ||
		    !sc_jid_same(s->from, from) || item->done != NULL) {
			at = &item->next;
			continue;
		}
		*at = item->next;
		if (*at == NULL)
			q->last = at;
		item_settle(q, item);
		item_free(item, false);
	}
}

void
outq_clear(struct outq *q)
{
	land(q, false);
	while (q->first != NULL) {
		struct outq_item *item = take_first(q);

		item_settle(q, item);
		item_free(item, false);
	}
}
