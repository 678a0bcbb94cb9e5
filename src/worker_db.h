/* SPDX-License-Identifier: MIT */
/* worker_db: what a worker asks the database before its shards run, and a reload from a pool
 * thread. It blocks. */
#ifndef WORKER_DB_H
#define WORKER_DB_H

#include <stdbool.h>
#include <stddef.h>

struct conf;

#define WORKER_APP_PREFIX "stonechat-worker"

/* hosts.id of every host of the configuration, by its index; new ones get a row. Malloced. NULL
 * with a sentence. */
int *worker_db_hosts(const char *uri, const struct conf *, char *error, size_t error_size);
/* A secret that is made once and kept, the same for every worker to come. */
bool worker_db_secret(const char *uri, const char *name, unsigned char *out, size_t n, char *error,
	size_t error_size);

#endif
