/* SPDX-License-Identifier: MIT */
/*
 * fan: the entity's half. What is to be done waits among what is routed (route.c), so that it keeps
 * its order with what the entity sends otherwise; then each shard concerned gets a letter.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/list.h"
#include "base/stats.h"
#include "core/fan.h"
#include "core/route.h"
#include "core/shard.h"
#include "net/loop.h"
#include "plugin/host.h"
#include "xmpp/stanza.h"

struct place {
	int16_t shard;                  /* -1: the number is free */
	uint32_t next_free;
};

struct sc_fan {
	struct table_node node;         /* shard.fans, by serial */
	uint64_t serial;
	struct sc_entity *entity;       /* NULL: freed, and waiting for the last errand */
	const struct sc_fan_calls *calls;
	const struct sc_jid *from;      /* of the entity */
	struct place *places;           /* by number */
	uint32_t n_places, room, first_free;
	int n;
	struct {
		struct fan_side *side;  /* NULL: never had a recipient */
		int n;
	} sides[];                      /* by shard */
};

struct errand {
	struct parcel parcel;
	struct sc_fan *fan;
	int shard;                      /* whose side it is for; -1: all that have recipients */
	struct fan_letter *letter;      /* what to send; copied for each */
};

/* --- finding --- */

static bool
has_serial(const struct table_node *node, const void *key)
{
	return container_of(node, struct sc_fan, node)->serial == *(const uint64_t *)key;
}

static uint32_t
hash_of(uint64_t serial)
{
	return (uint32_t)(serial ^ serial >> 32);
}

struct sc_fan *
sc_fan_new(struct sc_entity *entity, const struct sc_fan_calls *calls)
{
	static _Thread_local uint64_t last;
	struct sc_fan *f = calloc(1, sizeof *f + (size_t)loop_count() * sizeof f->sides[0]);

	sc_assert(f != NULL);
	f->serial = ++last;
	f->entity = entity;
	f->from = sc_entity_jid(entity);
	f->calls = calls;
	f->first_free = UINT32_MAX;
	table_insert(&shard.fans, &f->node, hash_of(f->serial));
	STAT_INC(fans_now);
	return f;
}

int
sc_fan_count(const struct sc_fan *f)
{
	return f->n;
}

/* --- letters to the sides --- */

static struct fan_letter *
letter_new(enum fan_order order, const struct sc_jid *jid)
{
	size_t n = jid != NULL ? strlen(jid->text) + 1 : 0;
	struct fan_letter *l = calloc(1, sizeof *l + n);

	sc_assert(l != NULL);
	l->order = order;
	l->letter.weight = sizeof *l + n;
	if (jid != NULL) {
		l->jid = *jid;
		l->jid.text = memcpy(l + 1, jid->text, n);
	}
	return l;
}

static void
letter_open(struct letter *letter)
{
	fan_side_apply(container_of(letter, struct fan_letter, letter));
	route_run();
}

static void
letter_send(const struct sc_fan *f, int to, struct fan_letter *l)
{
	l->side = f->sides[to].side;
	l->letter.open = letter_open;
	if (to == loop_id())
		fan_side_apply(l);
	else
		mailbox_post(to, &l->letter);
}

static struct fan_letter *
letter_copy(const struct fan_letter *l)
{
	struct fan_letter *copy = malloc(sizeof *copy);

	sc_assert(copy != NULL && l->order != FAN_ADD);
	*copy = *l;
	if (copy->stanza != NULL)
		copy->stanza = sc_ref(copy->stanza);
	return copy;
}

static void
letter_free(struct fan_letter *l)
{
	sc_stanza_free(&l->stanza);
	free(l);
}

static void
fan_free(struct sc_fan *f)
{
	free(f->places);
	free(f);
}

/* When it is its turn among what is routed. */
static void
run_errand(struct parcel *p)
{
	struct errand *e = container_of(p, struct errand, parcel);
	struct sc_fan *f = e->fan;
	bool end = e->letter->order == FAN_END;

	if (e->shard >= 0) {
		letter_send(f, e->shard, e->letter);
	} else {
		for (int i = 0; i < loop_count(); i++)
			if (f->sides[i].side != NULL && (end || f->sides[i].n > 0))
				letter_send(f, i, letter_copy(e->letter));
		letter_free(e->letter);
	}
	free(e);
	if (end)
		fan_free(f);
}

static void
send_errand(struct sc_fan *f, int to, struct fan_letter *taken)
{
	struct errand *e = calloc(1, sizeof *e);

	sc_assert(e != NULL);
	link_init(&e->parcel.link);
	e->parcel.special = run_errand;
	e->fan = f;
	e->shard = to;
	e->letter = taken;
	link_append(&shard.routing, &e->parcel.link);
}

void
sc_fan_free(struct sc_fan **taken)
{
	struct sc_fan *f = *taken;

	*taken = NULL;
	if (f == NULL)
		return;
	table_remove(&shard.fans, &f->node);
	f->entity = NULL;
	STAT_DEC(fans_now);
	send_errand(f, -1, letter_new(FAN_END, NULL));
}

void
fans_stop(void)
{
	list_each(&shard.routing, it, tmp) {
		struct parcel *p = container_of(it, struct parcel, link);
		struct errand *e = container_of(p, struct errand, parcel);

		if (p->special != run_errand)
			continue;
		link_remove(&p->link);
		/* the sides end by themselves: fan_sides_stop() */
		if (e->letter->order == FAN_END)
			fan_free(e->fan);
		letter_free(e->letter);
		free(e);
	}
	table_free(&shard.fans);
}

/* --- who is in it --- */

/* Somebody of ours is served where his sessions are; others from here, by way of what leads to
 * other servers. */
static int
shard_of(const struct sc_jid *jid)
{
	return sc_host_find(sc_jid_domain(jid)) != NULL ? home_of(jid) : loop_id();
}

static uint32_t
number_new(struct sc_fan *f)
{
	uint32_t number = f->first_free;

	if (number != UINT32_MAX) {
		f->first_free = f->places[number].next_free;
		return number;
	}
	if (f->n_places == f->room) {
		f->room = f->room != 0 ? 2 * f->room : 8;
		f->places = realloc(f->places, f->room * sizeof *f->places);
		sc_assert(f->places != NULL);
	}
	return f->n_places++;
}

uint32_t
sc_fan_add(struct sc_fan *f, const struct sc_jid *full, unsigned classes, uint32_t group)
{
	struct fan_letter *l = letter_new(FAN_ADD, full);
	uint32_t number = number_new(f);
	int to = shard_of(full);

	if (f->sides[to].side == NULL)
		f->sides[to].side = fan_side_new(f->from, loop_id(), f->serial);
	f->sides[to].n++;
	f->n++;
	f->places[number].shard = (int16_t)to;
	l->number = number;
	l->classes = classes;
	l->group = group;
	send_errand(f, to, l);
	return number;
}

static struct fan_letter *
letter_to_one(const struct sc_fan *f, enum fan_order order, uint32_t number)
{
	struct fan_letter *l = letter_new(order, NULL);

	sc_assert(number < f->n_places && f->places[number].shard >= 0);
	l->number = number;
	return l;
}

void
sc_fan_classify(struct sc_fan *f, uint32_t number, unsigned classes)
{
	struct fan_letter *l = letter_to_one(f, FAN_CLASSIFY, number);

	l->classes = classes;
	send_errand(f, f->places[number].shard, l);
}

void
sc_fan_remove(struct sc_fan *f, uint32_t number)
{
	struct fan_letter *l = letter_to_one(f, FAN_REMOVE, number);
	int to = f->places[number].shard;

	send_errand(f, to, l);
	f->sides[to].n--;
	f->n--;
	f->places[number] = (struct place){ -1, f->first_free };
	f->first_free = number;
}

/* --- copies --- */

static void
letter_load(struct fan_letter *l, const struct sc_stanza *sealed, int64_t mark)
{
	sc_assert(sealed->sealed);
	l->stanza = sc_ref(sealed);
	l->letter.weight += sealed->wire.n;
	l->mark = mark;
}

void
sc_fan_send(struct sc_fan *f, const struct sc_stanza *sealed, struct sc_fan_who who, int64_t mark)
{
	struct fan_letter *l;

	if (f->n == 0)
		return;
	l = letter_new(FAN_COPY, NULL);
	letter_load(l, sealed, mark);
	l->classes = who.classes;
	l->group = who.except;
	send_errand(f, -1, l);
}

void
sc_fan_send_one(struct sc_fan *f, uint32_t number, const struct sc_stanza *sealed, int64_t mark)
{
	struct fan_letter *l = letter_to_one(f, FAN_COPY_ONE, number);

	letter_load(l, sealed, mark);
	send_errand(f, f->places[number].shard, l);
}

bool
sc_choked(void)
{
	return mailbox_choked();
}

void
sc_when_clear(void (*fn)(void *arg), void *arg)
{
	mailbox_when_clear(fn, arg);
}

/* --- what the sides tell --- */

void
fan_reply_open(struct letter *letter)
{
	struct fan_reply *r = container_of(letter, struct fan_reply, letter);
	struct table_node *n = table_find(&shard.fans, hash_of(r->serial), has_serial, &r->serial);
	struct sc_fan *f = n != NULL ? container_of(n, struct sc_fan, node) : NULL;

	if (f != NULL && r->lost && f->calls->lost != NULL)
		f->calls->lost(f->entity, &r->to);
	else if (f != NULL && !r->lost && f->calls->marked != NULL)
		f->calls->marked(f->entity, &r->to, r->mark);
	free(r);
	route_run();
}
