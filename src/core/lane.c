/* SPDX-License-Identifier: MIT */
/* lane: a table of lists. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/stats.h"
#include "core/lane.h"
#include "core/shard.h"

struct pair {
	const struct sc_entity *to;
	struct sc_span from;
};

static uint32_t
pair_hash(const struct sc_entity *to, const struct sc_jid *from)
{
	return to->node.hash * 31 + from->bare_hash;
}

static bool
is_pair(const struct table_node *node, const void *key)
{
	const struct lane *l = container_of(node, struct lane, node);
	const struct pair *p = key;

	return l->to == p->to && l->from_len == p->from.n && memcmp(l->from, p->from.p,
		p->from.n) == 0;
}

struct lane *
lane_find(struct sc_entity *to, const struct sc_jid *from)
{
	struct pair p = { to, sc_jid_bare_span(from) };
	struct table_node *n;

	entity_at_home(to);
	if (to->lanes == 0)
		return NULL;
	n = table_find(&shard.lanes, pair_hash(to, from), is_pair, &p);
	return n != NULL ? container_of(n, struct lane, node) : NULL;
}

struct lane *
lane_open(struct sc_entity *to, const struct sc_jid *from)
{
	struct sc_span bare = sc_jid_bare_span(from);
	struct lane *l = malloc(sizeof *l + bare.n);

	sc_assert(l != NULL);
	link_init(&l->parcels);
	l->busy = l->pumping = false;
	l->n = 0;
	l->to = to;
	l->from_len = bare.n;
	memcpy(l->from, bare.p, bare.n);
	entity_ref(to);
	to->lanes++;
	table_insert(&shard.lanes, &l->node, pair_hash(to, from));
	STAT_INC(lanes_now);
	return l;
}

void
lane_append(struct lane *l, struct parcel *p)
{
	link_append(&l->parcels, &p->link);
	l->n++;
}

struct parcel *
lane_take(struct lane *l)
{
	struct link *first = l->parcels.next;

	if (first == &l->parcels)
		return NULL;
	link_remove(first);
	l->n--;
	return container_of(first, struct parcel, link);
}

void
lane_close(struct lane *l)
{
	sc_assert(link_alone(&l->parcels));
	table_remove(&shard.lanes, &l->node);
	l->to->lanes--;
	entity_unref(l->to);
	free(l);
	STAT_DEC(lanes_now);
}
