/* SPDX-License-Identifier: MIT */
/* conf_inside: what the files conf_*.c share: the tables, the reader, the snapshot. */
#ifndef PLUGIN_CONF_INSIDE_H
#define PLUGIN_CONF_INSIDE_H

#include <libconfig.h>
#include <stdatomic.h>
#include "plugin/conf.h"
#include "plugin/conf_near.h"
#include "plugin/conf_source.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"

/* --- the tables (conf_table.c); written before the shards start, then constant --- */
struct conf_table {
	const char *name;               /* "" is the top level */
	const char *help;
	/* our own copy: a module may have been built with a smaller struct sc_key */
	struct sc_key *keys;
	int n_keys;
	size_t size;
	bool per_host;
	bool (*check)(const void *, char *error, size_t error_size);
};

int conf_tables(void);
const struct conf_table *conf_table(int section);
const struct conf_table *conf_table_named(const char *name);    /* NULL */
int conf_table_index(const struct conf_table *);

/* --- reading (conf_types.c) --- */
struct conf_reader {
	struct sc_arena *arena;         /* the snapshot's */
	const struct conf_source *source;
	char *error;
	size_t error_size;
};

/* Writes "FILE:LINE: sentence" and returns false. */
bool conf_refuse(struct conf_reader *, const config_setting_t *at, const char *fmt,
	...) SC_PRINTF(3, 4);
/* "FILE:LINE" of a setting, in the arena. */
const char *conf_at(struct conf_reader *, const config_setting_t *);
/* Reads a setting into the struct. conf_default does so with the key's standard value: that
 * sentence has no place. */
bool conf_read(struct conf_reader *, const struct sc_key *, const config_setting_t *,
	void *into) SC_MUST_CHECK;
bool conf_read_secret(struct conf_reader *, const struct sc_key *,
	const config_setting_t *file_setting, void *into) SC_MUST_CHECK;
bool conf_default(struct conf_reader *, const struct sc_key *, void *into) SC_MUST_CHECK;
bool conf_words(struct conf_reader *, const config_setting_t *,
	const char *const **out) SC_MUST_CHECK;
bool conf_read_text(struct conf_reader *, const config_setting_t *, const char **out) SC_MUST_CHECK;

/* --- showing (conf_show.c) --- */
/* secrets as "hidden" */
const char *conf_value_text(struct sc_arena *, const struct sc_key *, const void *from);
const char *conf_number_text(struct sc_arena *, enum sc_conf_type, int64_t);
bool conf_value_same(const struct sc_key *, const void *a, const void *b);

/* --- the snapshot (conf.c) --- */
struct conf_values {                    /* of a section, global or of one host */
	const void *data;
	/* one for each key; NULL: the default or, at a host, the global value */
	const char **sources;
};

struct conf_host_entry {
	struct conf_host host;
	const char *source;
	struct conf_values *values;     /* one for each section; data NULL: as the global one */
};

struct conf_listen_entry {
	struct conf_listen listen;
	const char *source;
};

struct conf {
	_Atomic int refs;
	struct sc_arena *arena;         /* this struct lives in it */
	int n_sections;
	struct conf_values *values;
	int n_hosts;
	struct conf_host_entry *hosts;
	int n_listens;
	struct conf_listen_entry *listens;
};

/* Fills the struct of one section from a group (NULL: nothing was written). base: what is not
 * written is copied from there; NULL: the defaults. */
bool conf_read_section(struct conf_reader *, const struct conf_table *,
	const config_setting_t *group, const void *base, struct conf_values *out) SC_MUST_CHECK;
/* conf_hosts.c */
bool conf_read_hosts(struct conf_reader *, const config_setting_t *, struct conf *) SC_MUST_CHECK;
bool conf_read_listen(struct conf_reader *, const config_setting_t *, struct conf *) SC_MUST_CHECK;

#endif
