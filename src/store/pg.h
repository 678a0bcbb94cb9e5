/* SPDX-License-Identifier: MIT */
/*
 * pg: one connection to PostgreSQL in pipeline mode, on a shard's loop. It connects, prepares what
 * it is asked to run, passes answers on in order, and connects again when it was lost. What to
 * send, and what a loss means, is the queue's business.
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include <libpq-fe.h>

#include "store/connect.h"

struct event_base;
struct sc_stmt;
struct pg;

/* All are called from the loop, never from inside a pg_ function. */
struct pg_owner {
	void (*up)(void *arg);
	/* Lost, or could not be made; it is being tried again. Nothing more comes of what was
	 * sent. all_sent: the kernel had taken every byte, so the server may have done it all. */
	void (*down)(void *arg, const char *why, bool all_sent);
	void (*answer)(void *arg, void *cookie, PGresult *taken);
	/* A segment ended. failed is NULL, or the answer when nothing but the
	 * commit itself failed. */
	void (*synced)(void *arg, PGresult *failed);
};

struct pg *pg_new(struct event_base *, const struct connect_want *, const struct pg_owner *,
    void *arg);
void pg_free(struct pg **taken);                        /* calls nobody */
bool pg_is_up(const struct pg *);
/* Prepares the statement if this connection has not: alone, so only between segments. */
void pg_prepare(struct pg *, int stmt);
void pg_exec(struct pg *, int stmt, int n, const char *const *values, const int *lengths,
    const int *formats, void *cookie);
void pg_sync(struct pg *);                              /* ends a segment: commits it */
void pg_flush(struct pg *);
void pg_drop(struct pg *, const char *why);             /* down() comes from the loop */
int pg_socket(const struct pg *);                       /* -1: not up */
void pg_service(struct pg *); /* reads and writes what it can without waiting; for closing */

#endif
