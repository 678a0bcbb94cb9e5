/* SPDX-License-Identifier: MIT */
/*
 * arrive: what somebody is sent who enters, in the order of §7.1: the others' presence, their own,
 * history, the subject, and then what is live. Newcomers are served one after the other and so many
 * stanzas a turn, so that a thousand who come at once are a steady flow.
 *
 * Who is arriving is in the fan, but in no class: what is sent to all meanwhile is kept in
 * room.later, once for all newcomers, and given to each at its end. A room of usual size needs none
 * of this: all is done before anything else can happen.
 */
#include "muc/muc.h"

#include <stdlib.h>
#include <string.h>

#define SLICE 512               /* stanzas a turn */

/* What was sent to all while somebody was arriving. */
struct later {
	struct later *next;
	struct sc_stanza *stanza;
	unsigned classes;
	uint32_t except;
	int64_t mark;
	uint64_t ordinal;
};

struct newcomer {
	struct newcomer *next;
	struct seat *seat;
	struct sc_map_walk walk;
	bool all_shown;                 /* past the first three of the five */
	struct arrival arrival;
	struct show show;               /* of the self-presence */
	char *id;                       /* its id */
	int64_t until;                  /* what was said up to here is history for it */
	uint64_t after;                 /* the last of room.later that it needs not, or has had */
};

static void
later_free(struct room *r, const struct newcomer *first)
{
	while (r->later != NULL && (first == NULL || r->later->ordinal <= first->after)) {
		struct later *l = r->later;

		r->later = l->next;
		sc_stanza_free(&l->stanza);
		free(l);
	}
	if (r->later == NULL)
		r->last_later = &r->later;
}

void
arrive_later(struct room *r, const struct sc_stanza *sealed, unsigned classes, uint32_t except,
	int64_t mark)
{
	struct later *l;

	if (r->newcomers == NULL)
		return;
	l = calloc(1, sizeof *l);
	sc_assert(l != NULL);
	*l = (struct later){ NULL, sc_ref(sealed), classes, except, mark, ++r->later_ordinal };
	*r->last_later = l;
	r->last_later = &l->next;
}

static void
newcomer_free(struct newcomer *n)
{
	struct room *r = n->seat->occupant->room;
	struct newcomer **at = &r->newcomers;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	if (r->last_newcomer == &n->next)
		r->last_newcomer = at;
	n->seat->newcomer = NULL;
	arrival_free(&n->arrival);
	free(n->id);
	free(n);
	later_free(r, r->newcomers);
}

void
arrive_forget(struct seat *s)
{
	if (s->newcomer != NULL)
		newcomer_free(s->newcomer);
}

/* --- serving one --- */

/* 1. of §7.1. Those who came after the newcomer are among what is live. False: not all yet. */
static bool
show_others(struct newcomer *n, int *left)
{
	struct seat *s = n->seat;
	bool with_jid = show_class(s->occupant) == FAN_KNOWS_JIDS;

	for (struct occupant *o; *left > 0;) {
		const struct sc_stanza *p;

		o = sc_map_next(&n->walk, NULL);
		if (o == NULL)
			return true;
		if (o->group >= s->occupant->group || (p = show_to(o, with_jid)) == NULL)
			continue;
		sc_fan_send_one(o->room->fan, s->number, p, 0);
		sc_count(muc_counters.presences, 1);
		(*left)--;
	}
	return false;
}

/* 5. */
static bool
show_later(struct newcomer *n, int *left)
{
	struct seat *s = n->seat;
	struct room *r = s->occupant->room;

	for (struct later *l = r->later; l != NULL; l = l->next) {
		if (l->ordinal <= n->after)
			continue;
		if (*left <= 0)
			return false;
		n->after = l->ordinal;
		if (!(l->classes & show_class(s->occupant)) || l->except == s->occupant->group)
			continue;
		sc_fan_send_one(r->fan, s->number, l->stanza, l->mark);
		(*left)--;
	}
	return true;
}

static bool
serve(struct newcomer *n, int *left)
{
	struct seat *s = n->seat;
	struct room *r = s->occupant->room;

	if (!n->all_shown) {
		if (!show_others(n, left))
			return false;
		n->all_shown = true;
		n->show.id = n->id;
		show_self(s->occupant, s, &n->show);
		*left -= history_send(s, &n->arrival, n->until);
		subject_send(s);
	}
	if (!show_later(n, left))
		return false;
	newcomer_free(n);
	sc_fan_classify(r->fan, s->number, show_class(s->occupant));
	return true;
}

/* --- all of them --- */

static void next_turn(void *arg);

static void
schedule(struct room *r)
{
	if (!r->arriving)
		sc_entity_pin(r->entity);
	r->arriving = true;
	if (sc_choked())
		sc_when_clear(next_turn, r);
	else
		(void)sc_timer(0, next_turn, r);
}

static void
work(struct room *r)
{
	int left = SLICE;

	while (r->newcomers != NULL && left > 0 && !sc_choked())
		if (!serve(r->newcomers, &left))
			break;
	if (r->newcomers != NULL) {
		schedule(r);
	} else if (r->arriving) {
		r->arriving = false;
		sc_entity_unpin(r->entity);
	}
}

static void
next_turn(void *arg)
{
	work(arg);
}

void
arrive(struct seat *s, struct arrival *taken, const struct show *show, const char *id)
{
	struct room *r = s->occupant->room;
	struct newcomer *n = calloc(1, sizeof *n);

	sc_assert(n != NULL && s->newcomer == NULL);
	n->seat = s;
	n->walk = sc_map_walk(r->occupants);
	n->arrival = *taken;
	*taken = (struct arrival){ 0 };
	n->show = *show;
	n->id = id != NULL ? strdup(id) : NULL;
	n->until = sc_entity_moment(r->entity);
	n->after = r->later_ordinal;
	s->newcomer = n;
	*r->last_newcomer = n;
	r->last_newcomer = &n->next;
	if (!r->arriving)
		work(r);
}
