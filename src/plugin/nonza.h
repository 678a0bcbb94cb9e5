/* SPDX-License-Identifier: MIT */
/* nonza: who claims an element of a stream that is no stanza. */
#ifndef PLUGIN_NONZA_H
#define PLUGIN_NONZA_H

#include <stonechat/nonza.h>
#include "plugin/module.h"

struct nonza_found {
	const struct sc_nonza *row;
	const struct module *module;
};

/* no two modules claim the same */
bool nonza_check(char *error, size_t error_size) SC_MUST_CHECK;
/* at is one SC_NONZA_ bit. False: nobody claims it at this host. */
/* The namespaces of what is claimed at this host, each once, for the features. Returns how many. */
int nonza_namespaces(const struct sc_host *, unsigned at, const char **out, int max);
bool nonza_find(const struct sc_host *, unsigned at, const struct sc_elem *, struct nonza_found *);

#endif
