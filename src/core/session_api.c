/* SPDX-License-Identifier: MIT */
/* session_api: what stonechat/session.h and the pushing half of stonechat/send.h offer to
 * modules. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include <stonechat/owed.h>
#include "base/arena.h"
#include "core/entity.h"
#include "core/route.h"
#include "core/session.h"
#include "plugin/hook.h"
#include "xmpp/stanza.h"

const struct sc_jid *
sc_session_jid(const struct sc_session *s)
{
	entity_at_home(s->entity);
	return &s->jid;
}

struct sc_entity *
sc_session_account(const struct sc_session *s)
{
	entity_at_home(s->entity);
	return s->entity;
}

uint64_t
sc_session_number(const struct sc_session *s)
{
	return s->number;
}

struct sc_session *
sc_session_next(struct sc_entity *account, struct sc_session *after)
{
	struct link *it = after != NULL ? after->link.next : account->sessions.next;

	entity_at_home(account);
	return it != &account->sessions ? container_of(it, struct sc_session, link) : NULL;
}

struct sc_session *
sc_session_by_number(struct sc_entity *account, uint64_t number)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (s->number == number)
			return s;
	return NULL;
}

struct sc_session *
sc_session_by_resource(struct sc_entity *account, struct sc_span resource)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (s->jid.resource_len == resource.n &&
		    memcmp(sc_jid_resource(&s->jid).p, resource.p, resource.n) == 0)
			return s;
	return NULL;
}

const char *
sc_session_peer(const struct sc_session *s)
{
	entity_at_home(s->entity);
	return s->stream != NULL ? s->ops->peer(s->stream) : "-";
}

bool
sc_session_asleep(const struct sc_session *s)
{
	return s->stream == NULL && !s->ending && !s->gone;
}

int64_t
sc_session_since(const struct sc_session *s)
{
	return s->since;
}

const char *
sc_session_agent(const struct sc_session *s)
{
	return s->agent;
}

int64_t
sc_session_active(const struct sc_session *s)
{
	return s->active;
}

bool
sc_session_available(const struct sc_session *s)
{
	entity_at_home(s->entity);
	/* A stream that has ended takes nothing, though its contacts have not heard of it yet. */
	return s->presence != NULL && !s->ending;
}

int
sc_session_priority(const struct sc_session *s)
{
	entity_at_home(s->entity);
	return s->priority;
}

/* RFC 6121 §4.7.2.3; a value that is no priority counts as 0 here, refusing it is the presence
 * module's business. */
static int8_t
priority_in(const struct sc_stanza *presence)
{
	const struct sc_elem *e = presence != NULL ? sc_find(presence, SC_NS_CONTENT, "priority")
		: NULL;
	struct sc_arena *arena;
	long n = 0;

	if (e == NULL)
		return 0;
	arena = arena_new();
	n = strtol(sc_text_in(arena, e), NULL, 10);
	arena_free(arena);
	return n < -128 || n > 127 ? 0 : (int8_t)n;
}

void
sc_session_presence(struct sc_ctx *ctx, struct sc_session *s, const struct sc_stanza *presence)
{
	bool available = presence != NULL && sc_type(presence) == SC_TYPE_AVAILABLE;
	struct sc_ev_presence ev = { .session = s, .was_available = s->presence != NULL,
		.is_available = available,
		.old_priority = s->priority, .priority = available ? priority_in(presence) : 0,
		.presence = presence };
	struct sc_arena *arena = arena_new();

	entity_at_home(s->entity);
	(void)ctx;
	free(s->presence);
	s->presence = available ? strdup(sc_stanza_text(arena, presence, NULL)) : NULL;
	s->priority = ev.priority;
	arena_free(arena);
	hook_fire(SC_EV_session_presence, s->entity->host, s->entity, s, &ev);
}

void
session_restore_presence(struct sc_session *s, struct sc_span text)
{
	struct sc_stanza *p = sc_stanza_read(text.p, text.n);

	if (p == NULL || sc_kind(p) != SC_PRESENCE) {
		sc_stanza_free(&p);
		return;
	}
	s->priority = priority_in(p);
	s->presence = strndup(text.p, text.n);
	sc_stanza_free(&p);
}

struct sc_stanza *
sc_session_last_presence(struct sc_session *s)
{
	struct sc_stanza *p;

	entity_at_home(s->entity);
	if (s->presence == NULL)
		return NULL;
	p = sc_stanza_read(s->presence, strlen(s->presence));
	sc_assert(p != NULL);
	sc_set_from(p, &s->jid);
	sc_set_to(p, NULL);
	return p;
}

size_t
sc_session_queued(const struct sc_session *s)
{
	entity_at_home(s->entity);
	return s->outq.n;
}

int
sc_session_window(const struct sc_session *s)
{
	int room = session_limits.window - (int)(s->outq.n - s->outq.n_later);

	return room > 0 ? room : 0;
}

void
sc_later(struct sc_ctx *ctx, uint64_t key, enum sc_copy_kept kept)
{
	ctx->later = true;
	ctx->later_key = key;
	ctx->later_kept = kept == SC_COPY_KEPT;
}

void
sc_watch(struct sc_ctx *ctx)
{
	ctx->watched = true;
}

void
sc_session_drop_later(struct sc_session *s, uint64_t key)
{
	outq_drop_later(&s->outq, key);
}

void
sc_session_flush(struct sc_session *s)
{
	if (s->outq.n_later == 0)
		return;
	outq_hurry(&s->outq);
	session_mark_dirty(s);
}

size_t
sc_session_waiting(const struct sc_session *s, size_t *bytes)
{
	*bytes = s->outq.bytes_later;
	return s->outq.n_later;
}

void
sc_session_draining(struct sc_session *s, bool on)
{
	entity_at_home(s->entity);
	sc_assert(on || s->draining > 0);
	if (s->gone)
		return;
	s->draining = (uint8_t)(s->draining + (on ? 1 : -1));
	s->entity->draining = (uint16_t)(s->entity->draining + (on ? 1 : -1));
}

void
sc_session_cork(struct sc_session *s, bool on)
{
	entity_at_home(s->entity);
	sc_assert(on || s->corked > 0);
	s->corked = (uint8_t)(s->corked + (on ? 1 : -1));
	if (s->corked == 0 && !s->gone)
		session_mark_dirty(s);
}

const char *
sc_session_resumable(const struct sc_session *s)
{
	return s->sm != NULL && s->sm->resumable ? s->sm->id : NULL;
}

static int64_t
row_of(const struct outq_item *item)
{
	return item->owed != NULL ? sc_owed_sequence(item->owed) : item->sequence;
}

int
sc_session_rows(struct sc_session *s, int64_t *numbers, int64_t *sequences, int max)
{
	struct outq_item *lists[] = { s->outq.flying, s->outq.first };
	int n = 0;

	entity_at_home(s->entity);
	for (int i = 0; i < 2; i++)
		for (struct outq_item *item = lists[i]; item != NULL; item = item->next) {
			if (row_of(item) == 0)
				continue;
			if (n < max) {
				numbers[n] = outq_number(item);
				sequences[n] = row_of(item);
			}
			n++;
		}
	return n;
}

void
sc_session_close(struct sc_session *s, const char *condition, const char *text)
{
	entity_at_home(s->entity);
	if (s->stream != NULL)
		s->ops->close(s->stream, condition, text);
	else if (!s->ending)            /* asleep: nobody is there to be told */
		session_end(s);
}

void *
sc_session_slot(struct sc_session *s, const struct sc_slot *slot)
{
	entity_at_home(s->entity);
	return slots_get(&s->slots, slot);
}

void *
sc_session_slot_peek(const struct sc_session *s, const struct sc_slot *slot)
{
	entity_at_home(s->entity);
	return slots_peek(&s->slots, slot);
}

/* --- pushing --- */

void
sc_push(struct sc_session *s, struct sc_stanza **taken)
{
	struct sc_stanza *stanza = *taken;

	*taken = NULL;
	session_send(s, sc_seal(stanza), sc_to(stanza) != NULL ? OUTQ_TO_STANZA : OUTQ_TO_SELF,
		NULL, NULL, NULL, NULL, NULL);
	sc_stanza_free(&stanza);
}

void
sc_push_shared(struct sc_session *s, const struct sc_stanza *sealed, const char *patch)
{
	session_send(s, sealed, sc_to(sealed) != NULL ? OUTQ_TO_STANZA : OUTQ_TO_SELF, patch, NULL,
		NULL, NULL, NULL);
}

void
sc_push_owed(struct sc_session *s, const struct sc_stanza *sealed, const char *patch,
	void (*done)(void *, bool), void *arg)
{
	session_send(s, sealed, sc_to(sealed) != NULL ? OUTQ_TO_STANZA : OUTQ_TO_SELF, patch, NULL,
		NULL, done, arg);
}

void
sc_push_row(struct sc_session *s, const struct sc_stanza *sealed, const char *patch,
	int64_t sequence, void (*done)(void *, bool), void *arg)
{
	struct outq_item *item = session_send(s, sealed, sc_to(sealed) != NULL ? OUTQ_TO_STANZA
		: OUTQ_TO_SELF, patch, NULL, NULL, done, arg);

	if (item != NULL)
		item->sequence = sequence;
}
