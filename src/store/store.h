/* SPDX-License-Identifier: MIT */
/*
 * store: PostgreSQL through asynchronous libpq in pipeline mode (design §8). Layers: pg.c (one
 * connection), queue.c (what waits for it, batches, replay), stmt.c (prepared statements),
 * migrate.c, private.c (our own postmaster).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <sys/types.h>

#include <stonechat/store.h>

struct event_base;
struct sc_stmt;

struct store_conf {
	const char *uri;                /* conninfo or URI, several hosts allowed; never logged */
	int writers, readers;           /* connections of each kind for one shard */
	/* what waits of this shard, above which new ones get BUSY */
	size_t queue_max_bytes;
	/* a write waits so long for a connection, then BUSY (10000) */
	int outage_ms;
	/* a write connection that has not answered for so long is dropped (30000) */
	int write_timeout_ms;
	int read_timeout_ms;            /* statement_timeout of read connections (5000) */
	const char *app_name;           /* "stonechat-worker GENERATION" */
	int test_delay_ms;              /* test builds: delay each batch */
};

/* One per shard; all functions are for that shard's thread. */
struct store;

/* Starts connecting, does not wait. */
struct store *store_open(struct event_base *, const struct store_conf *);
/* gives what is queued 2 s, then frees */
void store_close(struct store **taken);
bool store_ready(const struct store *);                         /* every connection is up */
size_t store_waiting(const struct store *);                     /* queued or under way */
bool store_busy(const struct store *);                          /* new writes would get BUSY */
void store_flush(struct store *);                               /* sends; at a turn's end */
const char *store_last_error(const struct store *);             /* for status; "" when well */
/* Of all shards: NULL, or why writes do not succeed just now; a static text. Any thread. */
const char *store_trouble(void);

typedef void (*store_done)(void *arg, const struct sc_rows *);
/* Copies the arguments. done runs later from the loop, never from inside this
 * call, exactly once. */
void store_run(struct store *, const struct sc_stmt *, struct sc_args, store_done done, void *arg);

/* Statements known to the server: core and modules register theirs before any shard starts. */
/* The same name with the same SQL twice is no harm. NULL, or the name of a statement that
 * clashes with another one. */
const char *store_register(const struct sc_stmt *const *stmts, int n);
int store_stmt_count(void);
const struct sc_stmt *store_stmt_at(int i);
void store_unregister_all(void);                                /* at the end, and for tests */

/* Test builds: from now each batch and each read waits so long before it is sent. */
void store_test_delay(struct store *, int ms);

/* --- blocking; for the supervisor and the worker's start, never on a shard's loop --- */

/* Applies what is missing of schema/NNNN-*.sql in order; one transaction each, under an advisory
 * lock. Refuses a schema that is newer than the files or whose checksum differs, with a sentence
 * in error. */
bool store_migrate(const char *uri, const char *schema_dir, char *error, size_t error_size)
    SC_MUST_CHECK;
/* What store_migrate would do, one line each, for `db plan`. Malloced. */
char *store_migration_plan(const char *uri, const char *schema_dir, char *error, size_t error_size);
/* Checks fsync, synchronous_commit, full_page_writes, max_connections, encoding. False
 * with a sentence. */
bool store_check_server(const char *uri, int connections, bool allow_unsafe, char *error,
    size_t error_size) SC_MUST_CHECK;
/* Ends connections of earlier workers (application_name) and waits till they are
 * gone (design §8). */
bool store_end_predecessors(const char *uri, const char *app_name_prefix, const char *own,
    char *error, size_t error_size) SC_MUST_CHECK;

/* --- the private PostgreSQL; for the supervisor --- */
struct private_pg;
/* dir = STATE/pg; initdb on first use, adopts a live postmaster of this directory, otherwise
 * starts one (a child of the caller). bin_dir NULL: searched. Blocks up to a minute. NULL with a
 * sentence in error. */
struct private_pg *private_pg_start(const char *dir, const char *bin_dir, char *error,
    size_t error_size);
const char *private_pg_uri(const struct private_pg *);          /* lent */
pid_t private_pg_pid(const struct private_pg *);
/* To be called on SIGCHLD; a dead one is started again by private_pg_start. */
bool private_pg_alive(struct private_pg *);
/* Fast shutdown; waits up to 20 s. */
void private_pg_stop(struct private_pg **taken, bool immediate);

#endif