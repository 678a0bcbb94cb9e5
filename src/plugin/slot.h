/* SPDX-License-Identifier: MIT */
/* slot: small arrays of module data hung on sessions, entities, hosts and shards. */
#ifndef PLUGIN_SLOT_H
#define PLUGIN_SLOT_H

#include <stonechat/entity.h>
#include <stonechat/log.h>

/* Only as long as the highest slot that was used, so that an idle session pays for what it has. */
struct slots {
	void **v;
	uint16_t n;
};

/* before the shards start: gives it an index of its kind */
void slot_register(const struct sc_slot *);
void *slots_get(struct slots *, const struct sc_slot *);        /* makes it */
void *slots_peek(const struct slots *, const struct sc_slot *);
void slots_free(struct slots *, enum sc_slot_at);       /* calls every fini */
void slot_thread_done(void);                            /* the shard's own slots */

#endif
