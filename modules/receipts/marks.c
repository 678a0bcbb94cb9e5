/* SPDX-License-Identifier: MIT */
/*
 * marks: "read up to here" only moves forward (XEP-0333 §5). A second device that wakes up late
 * sends a mark for a message that another one has long passed; such a one is dropped before it
 * reaches anybody. Order is known from the messages that asked for a mark, as they came to the
 * account. What is not remembered passes: the other side's client has to look anyway.
 */
#include <string.h>
#include "receipts/receipts.h"

static struct mark_chat *
chat_find(struct marks *m, const struct sc_jid *contact)
{
	uint64_t hash = hash_span(0, sc_jid_bare_span(contact));

	for (int i = 0; i < MARK_CHATS; i++)
		if (m->chats[i].contact == hash)
			return &m->chats[i];
	return NULL;
}

static struct mark_chat *
chat_get(struct marks *m, const struct sc_jid *contact)
{
	struct mark_chat *c = chat_find(m, contact);

	if (c == NULL) {
		c = &m->chats[0];
		for (int i = 1; i < MARK_CHATS; i++)
			if (m->chats[i].used < c->used)
				c = &m->chats[i];
		memset(c, 0, sizeof *c);
		c->contact = hash_span(0, sc_jid_bare_span(contact));
	}
	c->used = ++m->clock;
	return c;
}

/* Which of the messages it was, counted from 1; 0: not known any more. */
static uint32_t
place_of(const struct mark_chat *c, const char *id)
{
	uint32_t hash = (uint32_t)hash_span(0, sc_span(id));

	for (uint32_t n = c->count; n > 0 && c->count - n < MARK_IDS; n--)
		if (c->ids[(n - 1) % MARK_IDS] == hash)
			return n;
	return 0;
}

static bool
is_of_two(const struct sc_stanza *m)
{
	return sc_kind(m) == SC_MESSAGE &&
		(sc_type(m) == SC_TYPE_CHAT || sc_type(m) == SC_TYPE_NORMAL);
}

void
marks_given(struct sc_ctx *ctx, const struct sc_ev_given *ev)
{
	const struct sc_stanza *m = ev->message;
	const struct receipts_conf *conf = sc_conf(ctx);
	struct mark_chat *c;

	if (!conf->forward_only || !is_of_two(m) || sc_id(m) == NULL ||
	    sc_find(m, NS_MARKERS, "markable") == NULL)
		return;
	c = chat_get(sc_entity_slot(ev->account, marks_slot), sc_from(m));
	if (place_of(c, sc_id(m)) == 0)
		c->ids[c->count++ % MARK_IDS] = (uint32_t)hash_span(0, sc_span(sc_id(m)));
}

enum sc_verdict
marks_sent(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct sc_stanza *m = ev->stanza;
	const struct receipts_conf *conf = sc_conf(ctx);
	const struct sc_elem *displayed = is_of_two(m) ? sc_find(m, NS_MARKERS, "displayed") : NULL;
	struct marks *marks = sc_entity_slot_peek(sc_entity(ctx), marks_slot);
	struct mark_chat *c;
	uint32_t place;

	if (!conf->forward_only || displayed == NULL || sc_attr(displayed, "id") == NULL ||
	    marks == NULL || sc_to(m) == NULL || sc_find(m, SC_NS_CONTENT, "body") != NULL)
		return SC_PASS;
	c = chat_find(marks, sc_to(m));
	place = c != NULL ? place_of(c, sc_attr(displayed, "id")) : 0;
	if (place == 0)
		return SC_PASS;
	if (place < c->read) {
		sc_count(marks_backward, 1);
		return SC_DROPPED;
	}
	c->read = place;
	return SC_PASS;
}
