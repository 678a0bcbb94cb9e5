/* SPDX-License-Identifier: MIT */
/* map: a table for finding, a list for the order. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include <stonechat/map.h>
#include "base/list.h"
#include "base/table.h"

struct entry {
	struct table_node node;
	struct link link;               /* sc_map.order */
	uint64_t ordinal;
	void *value;
	size_t key_len;
	char key[];
};

struct sc_map {
	struct table by_key;
	struct link order;
	uint64_t last_ordinal;
	/* what a walk remembers of its place is good while nothing was taken out */
	uint64_t removals;
};

struct sc_map *
sc_map_new(void)
{
	struct sc_map *m = calloc(1, sizeof *m);

	sc_assert(m != NULL);
	table_init(&m->by_key);
	link_init(&m->order);
	return m;
}

void
sc_map_free(struct sc_map **taken)
{
	struct sc_map *m = *taken;

	*taken = NULL;
	if (m == NULL)
		return;
	list_each(&m->order, it, tmp)
		free(container_of(it, struct entry, link));
	table_free(&m->by_key);
	free(m);
}

static bool
has_key(const struct table_node *node, const void *key)
{
	const struct entry *e = container_of(node, struct entry, node);
	const struct sc_span *k = key;

	return e->key_len == k->n && memcmp(e->key, k->p, k->n) == 0;
}

static struct entry *
find(const struct sc_map *m, struct sc_span key)
{
	struct table_node *n = table_find(&m->by_key, hash_bytes(key.p, key.n), has_key, &key);

	return n != NULL ? container_of(n, struct entry, node) : NULL;
}

static void
add(struct sc_map *m, struct sc_span key, void *value)
{
	struct entry *e = malloc(sizeof *e + key.n + 1);

	sc_assert(e != NULL);
	memcpy(e->key, key.p, key.n);
	e->key[key.n] = '\0';
	e->key_len = key.n;
	e->value = value;
	e->ordinal = ++m->last_ordinal;
	link_init(&e->link);
	link_append(&m->order, &e->link);
	table_insert(&m->by_key, &e->node, hash_bytes(key.p, key.n));
}

void *
sc_map_set(struct sc_map *m, struct sc_span key, void *value)
{
	struct entry *e = find(m, key);
	void *old = e != NULL ? e->value : NULL;

	if (e == NULL && value != NULL) {
		add(m, key, value);
	} else if (e != NULL && value != NULL) {
		e->value = value;
	} else if (e != NULL) {
		m->removals++;
		table_remove(&m->by_key, &e->node);
		link_remove(&e->link);
		free(e);
	}
	return old;
}

void *
sc_map_get(const struct sc_map *m, struct sc_span key)
{
	const struct entry *e = find(m, key);

	return e != NULL ? e->value : NULL;
}

size_t
sc_map_count(const struct sc_map *m)
{
	return m->by_key.count;
}

/* The first entry that came after this ordinal: for a walk during which something was taken out. */
static struct link *
first_after(const struct sc_map *m, uint64_t ordinal)
{
	struct link *at = m->order.next;

	while (at != &m->order && container_of(at, struct entry, link)->ordinal <= ordinal)
		at = at->next;
	return at;
}

void *
sc_map_next(struct sc_map_walk *w, struct sc_span *key)
{
	struct link *at;
	struct entry *e;

	if (w->place != NULL && w->removals == w->map->removals)
		at = ((struct link *)w->place)->next;
	else
		at = first_after(w->map, w->after);
	if (at == &w->map->order)
		return NULL;
	e = container_of(at, struct entry, link);
	w->place = at;
	w->after = e->ordinal;
	w->removals = w->map->removals;
	if (key != NULL)
		*key = (struct sc_span){ e->key, e->key_len };
	return e->value;
}
