/* SPDX-License-Identifier: MIT */
/* disco: what modules' tables and gathering hooks say about a place (XEP-0030), and the hash of it
 * (XEP-0115). */
#ifndef PLUGIN_DISCO_H
#define PLUGIN_DISCO_H

#include <stonechat/disco.h>
#include "base/buf.h"

struct service;

#define DISCO_MAX 256           /* features, identities, items, fields in one answer */

struct disco_identity {
	const char *category, *type, *name;
};

struct disco_item {
	const char *jid, *node, *name;
};

struct disco_field {
	const char *var, *type;
	const char *const *values;
};

struct disco_form {
	const char *form_type;
	struct disco_field fields[24];
	int n;
};

struct sc_disco {
	struct sc_arena *arena;
	unsigned at;
	const char *node;
	const struct sc_jid *by;
	const struct service *service;
	struct sc_entity *entity;
	bool trusted, node_known;
	struct disco_identity identities[32];
	const char *features[DISCO_MAX];
	struct disco_item items[DISCO_MAX];
	struct disco_form forms[8];
	int n_identities, n_features, n_items, n_forms;
};

/* The string that XEP-0115 §5.1 hashes, appended to buf. Sorts the lists of the question. */
void disco_caps_text(struct buf *, struct sc_disco *);

#endif
