/* SPDX-License-Identifier: MIT */
/* queue: what waits for one connection. See queue.h. */
#include "config.h"

#include "store/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/stats.h"
#include <stonechat/log.h>

#define BATCH_OPS 256           /* more saves nothing and makes the first of them wait */
#define BATCH_BYTES (4 << 20)
#define READS_UNDER_WAY 64
#define REFUSED_US (60 * 1000000LL)
/* after so many failed batches an operation goes alone, whoever was to blame */
#define BATCH_FAILURES 3
#define LOSSES_ALONE 3          /* the same when the connection was lost */
#define LOSSES_MAX 8            /* then it completes as uncertain */
#define TEXT_STATE(res) PQresultErrorField((res), PG_DIAG_SQLSTATE)

struct queue {
	bool writes;
	struct queue_limits limits;
	const struct queue_owner *owner;
	void *arg;
	struct pg *pg;

	/* sent ones first, then waiting ones; done ones among them for a moment */
	struct link ops;
	int n, n_sent;
	int syncs;                      /* segments under way */
	int64_t heard;                  /* since then an answer is owed to us */
	/* the segment under way has all sent operations; otherwise each has its own */
	bool batch;
	bool refused; /* the server takes no writes: nothing of the batch has happened */
	int64_t down_since;             /* 0: up */

	int delay_ms;
	struct event *delay;            /* test builds: the next batch may go when it has fired */
	enum { DELAY_NONE, DELAY_RUNNING, DELAY_OVER } delay_state;
};

#define op_of(l) container_of(l, struct op, link)

/* --- completing --- */

static void
finish(struct queue *q, struct op *op, enum sc_db_status status)
{
	if (op->state == OP_SENT)
		q->n_sent--;
	op->state = OP_DONE;
	op->rows.status = status;
}

static void
count_outcome(const struct op *op)
{
	STAT_INC(db_ops);
	switch (op->rows.status) {
	case SC_DB_OK:
		return;
	case SC_DB_BUSY:
		STAT_INC(db_busy);
		return;
	case SC_DB_UNCERTAIN:
		STAT_INC(db_uncertain);
		return;
	case SC_DB_FAILED:
		STAT_INC(db_failed);
		/* Never the message: it may quote what people wrote. */
		sc_log(NULL, SC_LOG_WARN, "db.failed", "statement=%s state=%s", op->stmt->name,
		    op->rows.state);
		return;
	}
}

/* Completes from the head of the queue, so that the order is kept. A done function may append. */
static void
deliver(struct queue *q)
{
	while (!link_alone(&q->ops)) {
		struct op *op = op_of(q->ops.next);

		if (op->state != OP_DONE)
			return;
		link_remove(&op->link);
		q->n--;
		count_outcome(op);
		q->owner->gone(q->arg, op);
		if (op->done)
			op->done(op->arg, &op->rows);
		op_free(op);
	}
}

/* --- answers --- */

static void
take_state(struct op *op, const PGresult *res)
{
	const char *state = TEXT_STATE(res);

	snprintf(op->rows.state, sizeof op->rows.state, "%s", state ? state : "XX000");
}

static void
on_answer(void *arg, void *cookie, PGresult *taken)
{
	struct queue *q = arg;
	struct op *op = cookie;

	rows_take(&op->rows, taken);
	switch (PQresultStatus(taken)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		op->rows.status = SC_DB_OK;
		return;
	case PGRES_PIPELINE_ABORTED:            /* somebody before it in the batch failed */
		op->rows.status = SC_DB_BUSY;
		return;
	default:
		op->rows.status = SC_DB_FAILED;
		take_state(op, taken);
		/* The server has become read-only: a standby, since a failover. Another
		 * may take writes. */
		if (strcmp(op->rows.state, "25006") == 0 && q->writes) {
			q->refused = true;
			pg_drop(q->pg, "the server takes no writes");
		}
		return;
	}
}

/* One line a minute, however many statements meet it. */
static void
tell_refused(const char *state)
{
	static _Thread_local int64_t told;

	if (told != 0 && clock_mono() - told < REFUSED_US)
		return;
	told = clock_mono();
	sc_log(NULL, SC_LOG_ERROR, "db.refuses", "state=%s why=\"%s\"", state,
	    strcmp(state, "53100") == 0 ? "its disk is full" : "it lacks resources");
}

/* A full disk and its like are nobody's mistake: the same as being away, and
 * nothing has happened. */
static enum sc_db_status
final_status(const struct op *op)
{
	if (op->rows.status != SC_DB_FAILED || strncmp(op->rows.state, "53", 2) != 0)
		return op->rows.status;
	tell_refused(op->rows.state);
	store_refused_write(true);
	return SC_DB_BUSY;
}

static void
again(struct queue *q, struct op *op)
{
	rows_clear(&op->rows);
	op->state = OP_WAITING;
	q->n_sent--;
}

static void
batch_failed(struct queue *q, bool at_commit)
{
	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);

		if (op->state == OP_WAITING)
			break;
		if (op->state == OP_DONE)
			/* uncertain since a loss, and waiting for its turn to be told */
			continue;
		if (op->rows.status == SC_DB_FAILED || at_commit ||
		    ++op->failures >= BATCH_FAILURES)
			op->alone = true;
		again(q, op);
	}
}

static void
batch_done(struct queue *q, const PGresult *failed_commit)
{
	bool failed = failed_commit != NULL;

	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);

		if (op->state == OP_WAITING)
			break;
		if (op->state == OP_DONE)
			/* uncertain since a loss, and waiting for its turn to be told */
			continue;
		failed = failed || op->rows.status != SC_DB_OK;
	}
	if (failed) {
		batch_failed(q, failed_commit != NULL);
		return;
	}
	STAT_INC(db_batches);
	store_refused_write(false);
	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);

		if (op->state == OP_WAITING)
			break;
		if (op->state == OP_DONE)
			/* uncertain since a loss, and waiting for its turn to be told */
			continue;
		finish(q, op, SC_DB_OK);
	}
}

static void
single_done(struct queue *q, const PGresult *failed_commit)
{
	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);

		if (op->state != OP_SENT)
			continue;
		if (failed_commit && op->rows.status == SC_DB_OK) {
			op->rows.status = SC_DB_FAILED;
			take_state(op, failed_commit);
		}
		if (q->writes) {
			STAT_INC(db_batches);
			if (op->rows.status == SC_DB_OK)
				store_refused_write(false);
		}
		finish(q, op, final_status(op));
		return;
	}
	sc_assert(!"a sync without an operation");
}

static void
on_synced(void *arg, PGresult *failed)
{
	struct queue *q = arg;

	q->syncs--;
	q->heard = store_now();
	if (q->refused)
		return;                 /* on_down follows */
	if (q->batch)
		batch_done(q, failed);
	else
		single_done(q, failed);
	deliver(q);
}

/* --- the connection --- */

static void
on_up(void *arg)
{
	struct queue *q = arg;

	q->down_since = 0;
	q->owner->changed(q->arg, NULL);
}

/* Perhaps it breaks the connection: nothing else may be under way with it, or would be lost
 * with it again. */
static bool
is_suspect(const struct op *op)
{
	return op->losses >= LOSSES_ALONE;
}

static void
lost_answer(struct queue *q, struct op *op, bool all_sent)
{
	bool happened = true;           /* perhaps */

	if (q->batch && (!all_sent || q->refused))
		happened = false;
	if (q->refused && strcmp(op->rows.state, "25006") == 0)
		happened = false;
	/* Whatever breaks the connection again and again may be the operation itself. */
	op->losses++;
	if (is_suspect(op))
		op->alone = true;
	if (op->losses < LOSSES_MAX && (!q->writes || !happened || op->stmt->repeatable)) {
		op->tried = op->tried || (q->writes && happened);
		again(q, op);
		return;
	}
	rows_clear(&op->rows);
	finish(q, op, SC_DB_UNCERTAIN);
}

static void
on_down(void *arg, const char *why, bool all_sent)
{
	struct queue *q = arg;

	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);

		if (op->state == OP_SENT)
			lost_answer(q, op, all_sent);
	}
	q->syncs = 0;
	q->refused = false;
	if (q->down_since == 0)
		q->down_since = store_now();
	q->owner->changed(q->arg, why);
	deliver(q);
}

static const struct pg_owner pg_owner = {
	.up = on_up, .down = on_down, .answer = on_answer, .synced = on_synced
};

/* --- sending --- */

static void
send_op(struct queue *q, struct op *op)
{
	pg_exec(q->pg, op->index, op->n, op->values, op->lengths, op->formats, op);
	op->state = OP_SENT;
	op->rows.status = SC_DB_BUSY;
	q->n_sent++;
}

static void
send_sync(struct queue *q)
{
	pg_sync(q->pg);
	if (q->syncs++ == 0)
		q->heard = store_now();
}

static struct op *
first_waiting(struct queue *q)
{
	list_each(&q->ops, l, next)
		if (op_of(l)->state == OP_WAITING)
			return op_of(l);
	return NULL;
}

/* The operations from first on that go together: as many as fit, up to one that goes alone. */
static int
measure_batch(struct queue *q, struct op *first)
{
	size_t bytes = 0;
	int n = 0;

	for (struct link *l = &first->link; l != &q->ops; l = l->next) {
		const struct op *op = op_of(l);

		if (op->state == OP_DONE)
			continue;
		bytes += op->size;
		if (op->alone || n == BATCH_OPS || (n > 0 && bytes > BATCH_BYTES))
			break;
		n++;
	}
	return n;
}

static void
send_batch(struct queue *q, struct op *first, int n)
{
	struct link *l = &first->link;

	q->batch = true;
	/* Preparing needs segments of its own, so it comes first. */
	for (int i = 0; i < n; l = l->next)
		if (op_of(l)->state == OP_WAITING) {
			pg_prepare(q->pg, op_of(l)->index);
			i++;
		}
	l = &first->link;
	for (int i = 0; i < n; l = l->next)
		if (op_of(l)->state == OP_WAITING) {
			send_op(q, op_of(l));
			i++;
		}
	send_sync(q);
}

static void
send_singles(struct queue *q, struct op *first, int max)
{
	q->batch = false;
	for (struct link *l = &first->link; l != &q->ops && max > 0; l = l->next) {
		struct op *op = op_of(l);

		if (op->state != OP_WAITING)
			continue;
		if ((q->writes && !op->alone) || (is_suspect(op) && q->n_sent > 0))
			return;
		pg_prepare(q->pg, op->index);
		send_op(q, op);
		send_sync(q);
		if (is_suspect(op))
			return;
		max--;
	}
}

static bool
delayed(struct queue *q)
{
	struct timeval tv = { q->delay_ms / 1000, q->delay_ms % 1000 * 1000 };

	if (q->delay_ms == 0 || q->delay_state == DELAY_OVER) {
		q->delay_state = DELAY_NONE;
		return false;
	}
	if (q->delay_state == DELAY_NONE) {
		q->delay_state = DELAY_RUNNING;
		event_add(q->delay, &tv);
	}
	return true;
}

void
queue_pump(struct queue *q)
{
	struct op *first;
	int room = q->writes ? BATCH_OPS : READS_UNDER_WAY - q->n_sent;

	if (q->n == q->n_sent || !pg_is_up(q->pg) || room <= 0 || (q->writes && q->syncs > 0))
		return;
	first = first_waiting(q);
	if (!first || delayed(q))
		return;
	if (q->writes && !first->alone)
		send_batch(q, first, measure_batch(q, first));
	else
		send_singles(q, first, room);
	pg_flush(q->pg);
}

static void
on_delay(evutil_socket_t fd, short what, void *arg)
{
	struct queue *q = arg;

	(void)fd;
	(void)what;
	q->delay_state = DELAY_OVER;            /* the turn's end pumps */
}

void
queue_delay(struct queue *q, int ms)
{
	q->delay_ms = ms;
}

/* --- waiting too long --- */

static int64_t
waited(const struct queue *q, const struct op *op, int64_t now)
{
	/* A write waits so long for a connection; how long it waited behind others
	 * before is another matter. */
	if (q->writes && op->since < q->down_since)
		return now - q->down_since;
	return now - op->since;
}

/* Locked out for good, a stopped process, a line that swallows everything: what can be repeated is,
 * over a new connection, which first ends the process of this one. */
static void
drop_if_stuck(struct queue *q, int64_t now)
{
	if (q->syncs > 0 && now - q->heard > q->limits.write_timeout_ms)
		pg_drop(q->pg, "a write is not answered");
}

void
queue_expire(struct queue *q, int64_t now)
{
	int limit = q->writes ? q->limits.outage_ms : q->limits.read_timeout_ms;

	if (q->n == 0)
		return;
	if (q->writes && pg_is_up(q->pg)) {
		drop_if_stuck(q, now);
		return;
	}
	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);

		if (op->state == OP_DONE || waited(q, op, now) <= limit)
			continue;
		if (op->state == OP_WAITING)
			finish(q, op, op->tried ? SC_DB_UNCERTAIN : SC_DB_BUSY);
		else if (waited(q, op, now) > 2 * limit + 1000)
			/* statement_timeout should have ended it long ago */
			pg_drop(q->pg, "does not answer");
	}
	deliver(q);
}

bool
queue_refuses(const struct queue *q, int64_t now)
{
	if (q->down_since != 0 && now - q->down_since > q->limits.outage_ms)
		return true;
	/* A connection that is up but whose head waits for long: a lock, a stopped server. */
	return !link_alone(&q->ops) && now - op_of(q->ops.next)->since > q->limits.outage_ms;
}

/* --- the rest --- */

struct queue *
queue_new(struct event_base *base, const struct connect_want *want, bool writes,
    const struct queue_limits *limits, const struct queue_owner *owner, void *arg)
{
	struct queue *q = mem_new(sizeof *q);

	q->writes = writes;
	q->limits = *limits;
	q->owner = owner;
	q->arg = arg;
	q->down_since = store_now();
	link_init(&q->ops);
	q->delay = event_new(base, -1, 0, on_delay, q);
	sc_assert(q->delay);
	q->pg = pg_new(base, want, &pg_owner, q);
	return q;
}

void
queue_free(struct queue **taken)
{
	struct queue *q = *taken;

	*taken = NULL;
	list_each(&q->ops, l, next) {
		struct op *op = op_of(l);
		bool perhaps = op->tried || (op->state == OP_SENT && q->writes);

		if (op->state == OP_DONE)
			continue;
		rows_clear(&op->rows);
		finish(q, op, perhaps ? SC_DB_UNCERTAIN : SC_DB_BUSY);
	}
	deliver(q);
	pg_free(&q->pg);
	event_free(q->delay);
	free(q);
}

void
queue_append(struct queue *q, struct op *op)
{
	link_append(&q->ops, &op->link);
	q->n++;
}

bool
queue_up(const struct queue *q)
{
	return pg_is_up(q->pg);
}

int
queue_waiting(const struct queue *q)
{
	return q->n;
}

int
queue_socket(const struct queue *q)
{
	return pg_socket(q->pg);
}

void
queue_service(struct queue *q)
{
	pg_service(q->pg);
}
