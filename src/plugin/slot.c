/* SPDX-License-Identifier: MIT */
/* slot: registering, making on first use, freeing. */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "plugin/slot.h"

#define SLOTS_MAX 256

static const struct sc_slot *registered[4][SLOTS_MAX];
static int counts[4];
static _Thread_local struct slots shard_slots;

void
slot_register(const struct sc_slot *slot)
{
	int at = slot->at;

	sc_assert(at >= 0 && at < 4 && counts[at] < SLOTS_MAX);
	*slot->index = counts[at];
	registered[at][counts[at]++] = slot;
}

void *
slots_peek(const struct slots *slots, const struct sc_slot *slot)
{
	int i = *slot->index;

	sc_assert(i >= 0);      /* the module forgot to list it in .slots */
	return i < slots->n ? slots->v[i] : NULL;
}

void *
slots_get(struct slots *slots, const struct sc_slot *slot)
{
	int i = *slot->index;

	sc_assert(i >= 0);
	if (i >= slots->n) {
		slots->v = realloc(slots->v, (size_t)(i + 1) * sizeof(void *));
		sc_assert(slots->v != NULL);
		while (slots->n <= i)
			slots->v[slots->n++] = NULL;
	}
	if (slots->v[i] == NULL) {
		slots->v[i] = calloc(1, slot->size);
		sc_assert(slots->v[i] != NULL);
	}
	return slots->v[i];
}

void
slots_free(struct slots *slots, enum sc_slot_at at)
{
	for (int i = 0; i < slots->n; i++) {
		if (slots->v[i] == NULL)
			continue;
		if (registered[at][i]->fini != NULL)
			registered[at][i]->fini(slots->v[i]);
		free(slots->v[i]);
	}
	free(slots->v);
	*slots = (struct slots){ 0 };
}

void *
sc_shard_slot(const struct sc_slot *slot)
{
	return slots_get(&shard_slots, slot);
}

void
slot_thread_done(void)
{
	slots_free(&shard_slots, SC_SLOT_SHARD);
}
