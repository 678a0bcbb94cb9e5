/* SPDX-License-Identifier: MIT */
/* owed: from memory to a row, and the end of both. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/entity.h"
#include "core/owed.h"
#include "core/route.h"
#include "core/session.h"
#include "plugin/hook.h"

#define AGAIN_MS 1000           /* the spool could not take it: how soon it is asked again */

static void took_too_long(struct timeout *);

struct sc_owed *
owed_new(struct sc_entity *account, const struct sc_stanza *sealed)
{
	struct sc_owed *o = calloc(1, sizeof *o);

	sc_assert(o != NULL);
	link_init(&o->items);
	timeout_init(&o->limit, took_too_long);
	entity_ref(account);
	o->account = account;
	o->stanza = sc_ref(sealed);
	o->since = sc_moment();
	o->refs = 1;
	return o;
}

void
owed_unref(struct sc_owed *o)
{
	if (--o->refs > 0)
		return;
	timeout_clear(&o->limit);
	custody_release(o->custody);
	sc_stanza_free(&o->stanza);
	entity_unref(o->account);
	free(o);
}

void
owed_join(struct sc_owed *o, struct outq_item *item)
{
	link_append(&o->items, &item->in_owed);
	o->refs++;
}

/* Somebody who sleeps, or will, and must find it again when the server has been killed
 * meanwhile. */
static bool
outlives_us(const struct sc_owed *o)
{
	for (const struct link *it = o->items.next; it != &o->items; it = it->next) {
		const struct sc_session *s = container_of(container_of(it, struct outq_item,
			in_owed)->q, struct sc_session, outq);

		if (s->sm != NULL && s->sm->resumable)
			return true;
	}
	return false;
}

static void
tell_settled(struct sc_owed *o)
{
	struct sc_ev_settled ev = { o->account, o, SC_SETTLED_CHANGED };

	/* A sender who was told that it failed sends it again: a row that came after all must
	 * not. */
	if ((o->acked || o->told) && !outlives_us(o))
		ev.how = SC_SETTLED_SAFE;
	else if (link_alone(&o->items))
		ev.how = SC_SETTLED_PLAIN;
	else if (!o->acked || o->noted)
		return;
	o->noted = o->acked;
	hook_fire(SC_EV_message_settled, o->account->host, o->account, NULL, &ev);
}

void
owed_leave(struct outq_item *item, bool safe)
{
	struct sc_owed *o = item->owed;

	link_remove(&item->in_owed);
	item->owed = NULL;
	o->acked = o->acked || safe;
	/* The session ends, but whether the row will be there is not known yet: the duty stays here
	 * until it is. */
	if (!safe && o->state == OWED_SPILLING && o->custody == NULL) {
		o->custody = item->custody;
		item->custody = NULL;
	}
	if (o->state == OWED_SPILLED)
		tell_settled(o);
	owed_unref(o);
}

void
owed_forget_all(struct outq *q)
{
	for (struct outq_item *item = q->first; item != NULL; item = item->next) {
		struct sc_owed *o = item->owed;

		if (o == NULL)
			continue;
		link_remove(&item->in_owed);
		item->owed = NULL;
		if (o->state == OWED_SPILLED && link_alone(&o->items)) {
			struct sc_ev_settled ev = { o->account, o, SC_SETTLED_PLAIN };

			hook_fire(SC_EV_message_settled, o->account->host, o->account, NULL, &ev);
		}
		owed_unref(o);
	}
}

bool
owed_would_be_lost(const struct outq_item *item)
{
	const struct sc_owed *o = item->owed;

	if (o == NULL)
		return true;
	return !o->acked && !o->told && (o->state == OWED_FAST || o->state == OWED_UNKEPT) &&
		o->items.next == &item->in_owed && o->items.prev == &item->in_owed;
}

static void
end_holds(struct sc_owed *o)
{
	custody_release(o->custody);
	o->custody = NULL;
	list_each(&o->items, it, tmp) {
		struct outq_item *item = container_of(it, struct outq_item, in_owed);

		custody_release(item->custody);
		item->custody = NULL;
	}
}

/* Design §5, Limit: nothing holds `h` for ever. What is not sent yet is taken back, so that the
 * sender may send it again; what is sent may have been received, and the error says so. */
static void
give_up(struct sc_owed *o)
{
	struct custody *custody = o->custody;
	/* what an ended session was given may have arrived */
	bool all_back = o->custody == NULL;

	if (o->acked) {
		end_holds(o);
		return;
	}
	custody_hold(custody);
	list_each(&o->items, it, tmp) {
		struct outq_item *item = container_of(it, struct outq_item, in_owed);

		if (custody == NULL && item->custody != NULL) {
			custody = item->custody;
			custody_hold(custody);
		}
	}
	o->told = custody != NULL;
	end_holds(o);
	list_each(&o->items, it2, tmp2) {
		struct outq_item *item = container_of(it2, struct outq_item, in_owed);

		if (o->told && !outq_withdraw(item->q, item))
			all_back = false;
	}
	if (custody == NULL)
		return;
	route_failed(o->stanza, custody, SC_COND_RESOURCE_CONSTRAINT, all_back ?
		"The message cannot be kept right now and was not delivered." :
		"The message cannot be kept right now; it may have been delivered.");
	custody_release(custody);
}

static void
took_too_long(struct timeout *t)
{
	struct sc_owed *o = container_of(t, struct sc_owed, limit);

	o->refs++;
	if (o->state == OWED_FAST && clock_mono() < o->deadline) {
		owed_spill(o);
	} else {
		if (o->state == OWED_FAST)
			o->state = OWED_UNKEPT;
		give_up(o);
	}
	owed_unref(o);
	route_run();
}

static int64_t
time_left(const struct sc_owed *o)
{
	int64_t us = o->deadline - clock_mono();

	return us > 0 ? us / 1000 + 1 : 0;
}

void
owed_spill(struct sc_owed *o)
{
	struct sc_ev_owed ev = { o->account, o };

	if (o->state != OWED_FAST)
		return;
	if (!hook_any(SC_EV_message_owed)) {
		/* no module keeps messages: acknowledgements are all there is */
		o->state = OWED_UNKEPT;
		return;
	}
	if (o->acked && !outlives_us(o)) {      /* the row would be deleted at once */
		o->state = OWED_UNKEPT;
		end_holds(o);
		return;
	}
	o->state = OWED_SPILLING;
	o->noted = o->acked;
	o->refs++;
	if (o->deadline == 0)
		o->deadline = clock_mono() + sm_limits.custody_limit * 1000;
	timeout_set(&o->limit, time_left(o));
	hook_fire(SC_EV_message_owed, o->account->host, o->account, NULL, &ev);
}

/* What was to wait until something urgent comes is not kept by a row after all. */
static void
hurry_all(struct sc_owed *o)
{
	list_each(&o->items, it, tmp) {
		const struct outq_item *item = container_of(it, struct outq_item, in_owed);

		if (item->later)
			sc_session_flush(container_of(item->q, struct sc_session, outq));
	}
}

void
owed_given(struct sc_owed *o)
{
	if (o->wanted)
		owed_spill(o);
	if (o->state == OWED_UNKEPT)
		hurry_all(o);
	owed_unref(o);
}

/* No row, and every session that was given it has ended without a word: the message finds another
 * way, or its sender hears of it. */
static bool
find_another_way(struct sc_owed *o)
{
	struct custody *custody = o->custody;

	if (!link_alone(&o->items) || o->acked || o->told)
		return false;
	o->state = OWED_UNKEPT;
	o->custody = NULL;
	deliver_again(o->account, o->stanza, custody, o->since);
	return true;
}

/* Until the limit the client may acknowledge it, or the database come back. */
static void
failed_for_now(struct sc_owed *o)
{
	int64_t left = time_left(o);

	if (find_another_way(o))
		return;
	if (left > 0 && !o->told) {
		o->state = OWED_FAST;
		timeout_set(&o->limit, left < AGAIN_MS ? left : AGAIN_MS);
		return;
	}
	o->state = OWED_UNKEPT;
	if (!o->told)
		give_up(o);
}

void
sc_owed_stored(struct sc_owed *o, enum sc_owed_kept kept)
{
	sc_assert(o->state == OWED_SPILLING);
	timeout_clear(&o->limit);
	switch (kept) {
	case SC_OWED_KEPT:
		o->state = OWED_SPILLED;
		end_holds(o);
		/* while it was written everybody may have acknowledged it, or gone */
		tell_settled(o);
		break;
	case SC_OWED_FAILED:
		failed_for_now(o);
		break;
	case SC_OWED_NOT_WANTED:
		if (find_another_way(o))
			break;
		o->state = OWED_UNKEPT;
		end_holds(o);
		break;
	}
	owed_unref(o);
}

/* --- what the module asks --- */

const struct sc_stanza *
sc_owed_stanza(const struct sc_owed *o)
{
	return o->stanza;
}

int64_t
sc_owed_since(const struct sc_owed *o)
{
	return o->since;
}

bool
sc_owed_acked(const struct sc_owed *o)
{
	return o->acked;
}

int64_t
sc_owed_sequence(const struct sc_owed *o)
{
	return o->sequence;
}

void
sc_owed_set_sequence(struct sc_owed *o, int64_t sequence)
{
	o->sequence = sequence;
}

void
sc_owed_had(struct sc_owed *o)
{
	o->acked = true;
	if (o->state == OWED_SPILLED)
		tell_settled(o);
}

/* --- coming back --- */

/* The last mention counts: a number is written down anew behind the old one. 0: none. */
static uint32_t
number_in(const char *list, const char *id)
{
	size_t n = strlen(id);
	uint32_t number = 0;

	for (const char *at = list; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
		if (strncmp(at, id, n) == 0 && at[n] == ':')
			number = (uint32_t)strtoul(at + n + 1, NULL, 10);
	return number;
}

static void
restore_copy(struct sc_owed *o, struct sc_session *s, const char *list, const char *patch)
{
	uint32_t number = s->sm != NULL && s->sm->restored ? number_in(list, s->sm->id) : 0;
	struct outq_item *item;

	if (number == 0)
		return;
	item = session_send(s, o->stanza, sc_to(o->stanza) != NULL ? OUTQ_TO_STANZA : OUTQ_TO_SELF,
		patch, NULL, o, NULL, NULL);
	if (item != NULL)
		item->number = number;
}

struct sc_owed *
sc_owed_restore(struct sc_entity *account, const struct sc_stanza *sealed,
	const struct sc_restored *r)
{
	struct sc_owed *o = owed_new(account, sealed);
	bool nobody;

	o->state = OWED_SPILLED;
	o->sequence = r->sequence;
	o->since = r->since;
	o->acked = o->noted = r->acked;
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		restore_copy(o, s, r->list, r->patch);
	nobody = link_alone(&o->items);
	owed_unref(o);
	return nobody ? NULL : o;
}

char *
sc_owed_list(struct sc_arena *arena, const struct sc_owed *o)
{
	struct buf b = { 0 };
	char *out;

	for (const struct link *it = o->items.next; it != &o->items; it = it->next) {
		struct outq_item *item = container_of(it, struct outq_item, in_owed);
		const struct sc_session *s = container_of(item->q, struct sc_session, outq);

		if (s->sm != NULL && s->sm->resumable)
			buf_format(&b, "%s%s:%u", b.n > 0 ? " " : "", s->sm->id, outq_number(item));
	}
	out = sc_copy_n(arena, b.n > 0 ? b.p : "", b.n);
	buf_free(&b);
	return out;
}
