/* SPDX-License-Identifier: MIT */
/*
 * host: the virtual hosts of this shard. Every shard has its own struct sc_host for each, so that
 * slots and caches need no lock; what is the same for all (name, id, which modules are off) is
 * copied from the configuration.
 */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include <stonechat/entity.h>
#include "plugin/slot.h"

#define HOST_MODULES_MAX 256

struct sc_host {
	const struct sc_jid *jid;
	struct sc_arena *arena;         /* of name and jid */
	int id;                         /* hosts.id */
	int conf_index;                 /* in the snapshot that conf_now() gives */
	/* no longer in the configuration: nobody logs in, streams are closed */
	bool gone;
	uint8_t modules_off[HOST_MODULES_MAX / 8];
	struct slots slots;
	char *caps;                     /* of sc_disco_caps; NULL: not computed */
	unsigned caps_disabled;         /* module_disabled() at that time */
};

/* This shard takes up the hosts of conf_now(). ids[i] belongs to conf_host(i). Hosts that stay keep
 * their slots. */
void host_sync(const int *ids);
int host_count(void);
struct sc_host *host_at(int i);
bool host_runs(const struct sc_host *, int module_index);       /* NULL host: true */
void host_forget_caps(void);
void host_thread_done(void);

#endif
