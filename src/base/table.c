/* SPDX-License-Identifier: MIT */
/* table: chained hash table that doubles when it holds as many elements as slots. */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/table.h"
#include <stonechat/log.h>

#define SLOTS_FIRST 16

void
table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

void
table_free(struct table *t)
{
	free(t->slots);
	table_init(t);
}

static void
grow(struct table *t)
{
	uint32_t slots = t->slots == NULL ? SLOTS_FIRST : (t->mask + 1) * 2;
	struct table_node **fresh = mem_new(slots * sizeof(struct table_node *));

	for (uint32_t i = 0; t->slots != NULL && i <= t->mask; i++) {
		for (struct table_node *n = t->slots[i], *next; n != NULL; n = next) {
			struct table_node **slot = &fresh[n->hash & (slots - 1)];

			next = n->next;
			n->next = *slot;
			*slot = n;
		}
	}
	free(t->slots);
	t->slots = fresh;
	t->mask = slots - 1;
}

void
table_insert(struct table *t, struct table_node *n, uint32_t hash)
{
	if (t->slots == NULL || (t->count > t->mask && t->mask < UINT32_MAX / 4))
		grow(t);

	struct table_node **slot = &t->slots[hash & t->mask];

	n->hash = hash;
	n->next = *slot;
	*slot = n;
	t->count++;
}

void
table_remove(struct table *t, struct table_node *n)
{
	sc_assert(t->slots != NULL);

	struct table_node **at = &t->slots[n->hash & t->mask];

	while (*at != n) {
		sc_assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = n->next;
	n->next = NULL;
	t->count--;
}

struct table_node *
table_find(const struct table *t, uint32_t hash,
	bool (*same)(const struct table_node *, const void *key), const void *key)
{
	if (t->slots == NULL)
		return NULL;
	for (struct table_node *n = t->slots[hash & t->mask]; n != NULL; n = n->next)
		if (n->hash == hash && same(n, key))
			return n;
	return NULL;
}

static void
see_slot(struct table_node *n, void (*see)(struct table_node *, void *arg), void *arg)
{
	while (n != NULL) {
		struct table_node *next = n->next;

		see(n, arg);
		n = next;
	}
}

void
table_each(struct table *t, void (*see)(struct table_node *, void *arg), void *arg)
{
	for (uint32_t i = 0; t->slots != NULL && i <= t->mask; i++)
		see_slot(t->slots[i], see, arg);
}

void
table_slice(struct table *t, uint32_t *cursor, uint32_t slots,
	void (*see)(struct table_node *, void *arg), void *arg)
{
	if (t->slots == NULL || *cursor > t->mask) {
		*cursor = 0;
		return;
	}
	for (; slots > 0 && *cursor <= t->mask; slots--)
		see_slot(t->slots[(*cursor)++], see, arg);
	if (*cursor > t->mask)
		*cursor = 0;
}
