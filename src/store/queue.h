/* SPDX-License-Identifier: MIT */
/*
 * queue: the operations that wait for one connection, in order.
 *
 * Writes: what collects while a batch is under way goes as the next batch, with one sync, which is
 * one commit. When a batch fails, nothing of it has happened: the culprit goes alone next time and
 * the rest again together. ATOMIC goes alone. One batch is under way at a time, so order is the
 * order of the queue, also after a reconnect. Reads: each with its own sync, many under way.
 * Operations complete in the order of the queue.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/list.h"
#include "store/pg.h"
#include "store/rows.h"
#include "store/store.h"

/* One statement to be run, with its arguments as libpq wants them; one allocation. */
struct op {
	struct link link;
	const struct sc_stmt *stmt;
	int index;                      /* of the statement */
	enum { OP_WAITING, OP_SENT, OP_DONE } state;
	bool alone;                     /* goes in a segment of its own */
	bool tried; /* was sent once, and the answer was lost: it may have happened */
	int failures;                   /* of batches that it was in */
	int losses;                     /* of the connection while it was under way */
	int64_t since;                  /* ms, store_now() */
	size_t size;
	struct sc_rows rows;
	store_done done;
	void *arg;
	int n;
	const char **values;
	int *lengths, *formats;
};

struct op *op_new(const struct sc_stmt *, int index, struct sc_args, store_done, void *arg);
size_t op_size(const struct sc_stmt *, struct sc_args);         /* without making it */
void op_free(struct op *);

struct queue_limits {
	int outage_ms;                  /* writes: without a connection */
	/* writes: nothing comes from a connection that is up; then it is dropped */
	int write_timeout_ms;
	int read_timeout_ms;            /* reads */
};

/* What the queue tells the store. */
struct queue_owner {
	/* an operation has completed and is about to be freed */
	void (*gone)(void *arg, const struct op *);
	void (*changed)(void *arg, const char *error); /* the connection: NULL: up; else why not */
};

/* ms. The time of the world, not of base/clock: tests move that one by hours, and a network does
 * not get faster by it. */
int64_t store_now(void);

/* Of all shards: the server has refused a write for lack of something, or taken one (store.c). */
void store_refused_write(bool refused);

struct queue;

struct queue *queue_new(struct event_base *, const struct connect_want *, bool writes,
    const struct queue_limits *, const struct queue_owner *, void *arg);
/* completes what is left: BUSY, or UNCERTAIN when it was sent */
void queue_free(struct queue **taken);
void queue_append(struct queue *, struct op *taken);
void queue_pump(struct queue *);                  /* sends what may be sent */
void queue_expire(struct queue *, int64_t now); /* gives up on what has waited too long */
bool queue_up(const struct queue *);
/* away or stuck for too long: new operations get BUSY */
bool queue_refuses(const struct queue *, int64_t now);
int queue_waiting(const struct queue *);
void queue_delay(struct queue *, int ms);                       /* test builds */
int queue_socket(const struct queue *);
void queue_service(struct queue *);

#endif
