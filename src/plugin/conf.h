/* SPDX-License-Identifier: MIT */
/*
 * conf: libconfig files against typed tables. A struct conf is an immutable snapshot, counted;
 * shards take up a new one at the top of a turn.
 *
 * Sections: "" is the top level; a section of the core ("c2s", "db", "log", …) and each module's
 * own group have a table of keys. A key of a module's section may be set per host, inside the
 * host's entry of `hosts`.
 */
#ifndef PLUGIN_CONF_H
#define PLUGIN_CONF_H

#include <stonechat/conf.h>
#include <stdio.h>
#include <stonechat/command.h>

struct conf;

/* Tables must be registered before conf_load(); from the main thread. Returns the section's number.
 * keys is lent. */
int conf_section(const char *name, const struct sc_key *keys, size_t key_stride, size_t struct_size,
	bool per_host);
/* An extra check of a parsed section. */
void conf_section_check(int section, bool (*check)(const void *, char *error, size_t error_size));
/* Sentences above the section's table in the manual; lent. */
void conf_section_help(int section, const char *help);
/* Tests: as if nothing had been registered. No snapshot may be left. */
void conf_sections_forget(void);
/* A type of listener beside "c2s" and "c2s_tls", which are known from the start. name is lent. */
void conf_listen_type(const char *name, int standard_port);
int conf_listen_types(void);
const char *conf_listen_type_at(int i, int *standard_port);
/* Whether a module of this name is loaded; set by whoever loads them. NULL: a host's modules_off is
 * not checked. */
extern bool (*conf_module_loaded)(const char *name);

/* The part that must be known before tables are registered: top-level `modules`, `module_dir`.
 * Malloced strings; false with a sentence that has file and line. */
struct conf_early {
	char **modules;                 /* NULL-terminated; NULL: not given, all bundled */
	char **modules_off;
	char *module_dir;               /* NULL: the built-in one */
};
bool conf_read_early(const char *file, struct conf_early *, char *error, size_t error_size);
void conf_early_free(struct conf_early *);
/* One top-level text, such as ctl_socket, for programs that have no tables. Malloced; NULL: not
 * given. False with a sentence. */
bool conf_read_early_text(const char *file, const char *key, char **value, char *error,
	size_t error_size);

/* Reads, checks everything, fills the structs. NULL with a sentence: "FILE:LINE: unknown key
 * `shrads'; did you mean `shards'?" */
struct conf *conf_load(const char *file, char *error, size_t error_size);
/* The same for a text in memory; name stands in the messages. */
struct conf *conf_load_text(const char *name, struct sc_span text, char *error, size_t error_size);
struct conf *conf_ref(struct conf *);
void conf_unref(struct conf **taken);
/* The filled struct of a section; host -1: the global one. Lent for the snapshot's life. */
const void *conf_get(const struct conf *, int section, int host);

struct conf_host {
	const char *name;               /* prepared domain */
	const char *const *modules_off;
};
struct conf_listen {
	const char *type;               /* "c2s", "c2s_tls", … */
	const char *address;
	int port;
	bool proxy;
};
int conf_hosts(const struct conf *);
const struct conf_host *conf_host(const struct conf *, int i);
int conf_listens(const struct conf *);
const struct conf_listen *conf_listen(const struct conf *, int i);

/* Keys that differ between two snapshots and need a restart: one line each into the arena; NULL:
 * none. */
const char *conf_needs_restart(struct sc_arena *, const struct conf *running,
	const struct conf *loaded);
/* Every value and where it came from ("FILE:LINE" or "default"), for `stonechatctl config`; secrets
 * hidden. */
void conf_each_value(const struct conf *, void (*see)(void *arg, const char *section,
	const char *host, const char *key, const char *value, const char *source), void *arg);
/* doc/config.md from the tables. */
void conf_write_manual(FILE *);

/* Single global values by name; truth values are 0 and 1. False or NULL: no such key, or of another
 * kind. */
bool conf_find_number(const struct conf *, const char *section, const char *key, int64_t *);
const char *conf_find_text(const struct conf *, const char *section, const char *key);

/* The snapshot in force on this shard. */
const struct conf *conf_now(void);
void conf_set_now(struct conf *taken);          /* this thread */

#endif
