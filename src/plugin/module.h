/* SPDX-License-Identifier: MIT */
/*
 * module: loading shared objects and checking what they say of themselves. All of this happens
 * before the shards start and never changes afterwards, but for the switch that takes a module out.
 */
#ifndef PLUGIN_MODULE_H
#define PLUGIN_MODULE_H

#include <stdatomic.h>
#include <stonechat/module.h>

struct module {
	/* copied to our sizes; arrays of hooks, iq … are the copies below */
	struct sc_module m;
	int index;
	int conf_section;               /* -1: no settings */
	void *handle;                   /* of dlopen; NULL for modules of a test */
	_Atomic bool off;               /* `module disable` */
	struct sc_hook *hooks;
	struct sc_iq *iq;
	struct sc_feature *features;
	struct sc_identity *identities;
	struct sc_nonza *nonzas;
	struct sc_service *services;
	int n_hooks, n_iq, n_features, n_identities, n_nonzas, n_services;
};

/* Loads DIR/NAME.so, or DIR/NAME/.libs/NAME.so of an uninstalled build. False with a sentence that
 * names module and reason. */
bool module_load(const char *dir, const char *name, char *error, size_t error_size) SC_MUST_CHECK;
/* Every module found in the directory. */
bool module_load_all(const char *dir, char *const *off, char *error,
	size_t error_size) SC_MUST_CHECK;
/* The same for a description that is linked in (tests). */
bool module_add(const struct sc_module *, void *handle, char *error,
	size_t error_size) SC_MUST_CHECK;
/* After the last one: needs, order of hooks, duplicate IQ keys; registers slots, counters,
 * statements. */
bool module_finish(char *error, size_t error_size) SC_MUST_CHECK;

int module_count(void);
struct module *module_at(int i);
struct module *module_find(const char *name);
const struct module *module_of(const struct sc_module *);
bool module_disable(const char *name);          /* every shard stops calling it at its next turn */
/* how many are; what was computed from their tables is old when it changes */
unsigned module_disabled(void);
/* at the end; unmapped only where a leak checker wants it */
void module_unload_all(void);

#endif
