/* SPDX-License-Identifier: MIT */
/* server: the settings of the process itself, and reading everything that stands in the
 * configuration. */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

struct server_conf {
	const char *state_dir, *user, *cert_dir, *ctl_socket, *module_dir, *schema_dir,
		*postgres_bin;
	const char *const *modules, *const *modules_off;
	int64_t shards, memory_limit, mailbox_high, offload_threads, drain_time;
};

struct db_conf {
	const char *uri;
	int64_t connections, queue_max, outage, write_timeout;
	bool allow_unsafe;
};

struct log_conf {
	int level;
	const char *to;
};

/* Loads the modules that the file names (all bundled ones without a list), registers every table,
 * reads the file. file NULL: the defaults alone, for manuals; module_dir (may be NULL) overrides
 * the file's. NULL with a sentence. Once per process. */
struct conf *server_load(const char *file, const char *module_dir, char *error, size_t error_size);

const struct server_conf *server_conf(const struct conf *);
const struct db_conf *db_conf(const struct conf *);
const struct log_conf *log_conf(const struct conf *);
int server_shards(const struct conf *);
bool server_log_open(const struct conf *, char *error, size_t error_size);

/* doc/config.md, doc/hooks.md, doc/xeps.md on standard output. False: no such manual. */
bool server_manual(const char *which);

#endif
