/* SPDX-License-Identifier: MIT */
/*
 * server: what the administrator's commands need to know of the process around the core. Filled by
 * src/worker.c before the shards start; read-only afterwards, but for the functions' own doing.
 */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_ctx;

struct server_facts {
	pid_t supervisor_pid, db_pid;           /* db_pid 0: an external database */
	int64_t started;                        /* wall µs */
	const char *conf_file, *db_uri, *schema_dir, *cert_dir, *state_dir;
	/* NULL: listening, not draining, and the database takes writes on every shard. Otherwise
	 * why not; a static text. Any thread. */
	const char *(*not_ready_because)(void);
	bool (*draining)(void);
	/* Reads configuration and certificates anew. done runs on the calling shard: error NULL
	 * when it worked; notes are lines about keys that need a restart, or NULL. */
	void (*reload)(void (*done)(void *arg, const char *error, const char *notes), void *arg);
	/* Drains and ends the whole server, supervisor included. */
	void (*stop)(void);
	/* The certificates in force; lent to the calling shard's turn. NULL: none. */
	struct tls_ctx *(*tls)(void);
};

extern struct server_facts server_facts;

#endif
