/* SPDX-License-Identifier: MIT */
/*
 * store: one shard's connections. Picks the connection for an operation, keeps the limits, and says
 * once when the database is lost and when it is back.
 */
#include "config.h"

#include "store/store.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/mem.h"
#include "base/stats.h"
#include "base/table.h"
#include "net/loop.h"
#include "store/queue.h"
#include "store/stmt.h"
#include <stonechat/log.h>

#define SWEEP_MS 200
#define CLOSE_MS 2000
#define REFUSED_MS 30000        /* so long a refused write counts against readiness */

struct store {
	struct event_base *base;
	struct queue **queues;          /* writers, then readers */
	int writers, readers;
	size_t bytes_max;
	size_t bytes;                   /* of all waiting operations */
	int waiting;
	struct link refused;            /* complete with BUSY at the loop's next chance */
	struct event *refuse, *sweep;
	int64_t swept;                  /* when it ran last */
	bool away;                      /* said so in the log */
	bool stuck;                     /* writes wait too long */
	bool closing;
	char error[300];
};

static _Thread_local struct evutil_monotonic_timer *timer;

int64_t
store_now(void)
{
	struct timeval tv;

	if (!timer) {
		timer = evutil_monotonic_timer_new();
		sc_assert(timer && evutil_configure_monotonic_time(timer, 0) == 0);
	}
	evutil_gettime_monotonic(timer, &tv);
	return (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

/* --- for all shards: whether writes succeed --- */

static _Atomic int stores_away, stores_stuck;
static _Atomic int64_t refused_at;      /* ms; 0: the last write was taken */

void
store_refused_write(bool refused)
{
	if (refused || atomic_load_explicit(&refused_at, memory_order_relaxed) != 0)
		atomic_store(&refused_at, refused ? store_now() : 0);
}

const char *
store_trouble(void)
{
	int64_t refused = atomic_load(&refused_at);

	if (atomic_load(&stores_away) > 0)
		return "the database is away";
	if (atomic_load(&stores_stuck) > 0)
		return "the database does not answer";
	/* Not for ever: when nobody writes, nobody would find out that it is over. */
	if (refused != 0 && store_now() - refused < REFUSED_MS)
		return "the database refuses writes: no room or no resources";
	return NULL;
}

static void
count_change(_Atomic int *count, bool *was, bool is)
{
	if (is != *was)
		atomic_fetch_add(count, is ? 1 : -1);
	*was = is;
}

static int
queues_n(const struct store *s)
{
	return s->writers + s->readers;
}

/* --- what the queues tell --- */

static void
forget_op(struct store *s, const struct op *op)
{
	s->bytes -= op->size;
	s->waiting--;
	stats_add(STAT_db_waiting_now, -1);
}

static void
on_gone(void *arg, const struct op *op)
{
	forget_op(arg, op);
}

static void
on_changed(void *arg, const char *error)
{
	struct store *s = arg;

	if (s->closing)
		return;
	if (error) {
		snprintf(s->error, sizeof s->error, "%s", error);
		if (!s->away)
			sc_log(NULL, SC_LOG_WARN, "db.away", "error=\"%s\"", error);
		count_change(&stores_away, &s->away, true);
		return;
	}
	STAT_INC(db_reconnects);
	if (!store_ready(s))
		return;
	s->error[0] = '\0';
	if (s->away)
		sc_log(NULL, SC_LOG_INFO, "db.back", "connections=%d", queues_n(s));
	count_change(&stores_away, &s->away, false);
}

static const struct queue_owner queue_owner = { .gone = on_gone, .changed = on_changed };

/* --- timers --- */

static void
sweep_later(struct store *s)
{
	static const struct timeval tv = { 0, SWEEP_MS * 1000 };

	if (event_pending(s->sweep, EV_TIMEOUT, NULL))
		return;
	s->swept = store_now();
	event_add(s->sweep, &tv);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;
	int64_t now = store_now();

	(void)fd;
	(void)what;
	loop_woke();
	/* When we come late, the process was stopped, and answers may lie in the sockets:
	 * another chance for them. */
	for (int i = 0; i < queues_n(s) && now - s->swept < SWEEP_MS * 5; i++)
		queue_expire(s->queues[i], now);
	s->swept = now;
	count_change(&stores_stuck, &s->stuck, store_busy(s) && !s->away);
	if (s->waiting > 0 || s->stuck)
		sweep_later(s);
}

static void
deliver_refused(struct store *s)
{
	struct link now;

	/* What a done function adds is for the next turn, or it could keep us here. */
	link_init(&now);
	while (!link_alone(&s->refused)) {
		struct link *l = s->refused.next;

		link_remove(l);
		link_append(&now, l);
	}
	while (!link_alone(&now)) {
		struct op *op = container_of(now.next, struct op, link);

		link_remove(&op->link);
		forget_op(s, op);
		STAT_INC(db_busy);
		if (op->done)
			op->done(op->arg, &op->rows);
		op_free(op);
	}
}

static void
on_refuse(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_woke();
	deliver_refused(arg);
}

/* --- opening and closing --- */

static void
open_queue(struct store *s, const struct store_conf *conf, int i)
{
	bool writes = i < s->writers;
	struct connect_want want = {
		.uri = conf->uri,
		.app_name = conf->app_name,
		.statement_timeout_ms = writes ? 0 : conf->read_timeout_ms,
		.read_only = !writes,
	};
	struct queue_limits limits = { .outage_ms = conf->outage_ms,
		.write_timeout_ms = conf->write_timeout_ms,
		.read_timeout_ms = conf->read_timeout_ms };

	s->queues[i] = queue_new(s->base, &want, writes, &limits, &queue_owner, s);
	queue_delay(s->queues[i], conf->test_delay_ms);
}

struct store *
store_open(struct event_base *base, const struct store_conf *conf)
{
	struct store *s = mem_new(sizeof *s);

	sc_assert(conf->writers > 0 && conf->readers > 0);
	s->base = base;
	s->writers = conf->writers;
	s->readers = conf->readers;
	s->bytes_max = conf->queue_max_bytes;
	link_init(&s->refused);
	s->refuse = event_new(base, -1, 0, on_refuse, s);
	s->sweep = event_new(base, -1, 0, on_sweep, s);
	s->queues = mem_new((size_t)queues_n(s) * sizeof *s->queues);
	sc_assert(s->refuse && s->sweep);
	for (int i = 0; i < queues_n(s); i++)
		open_queue(s, conf, i);
	return s;
}

/* The loop has ended, so the connections are waited for without it. */
static void
drain(struct store *s)
{
	int64_t until = store_now() + CLOSE_MS;
	struct pollfd *polled = mem_new((size_t)queues_n(s) * sizeof *polled);

	while (s->waiting > 0 && store_now() < until) {
		bool any = false;

		store_flush(s);
		for (int i = 0; i < queues_n(s); i++) {
			bool waits = queue_waiting(s->queues[i]) > 0;

			polled[i].fd = waits ? queue_socket(s->queues[i]) : -1;
			polled[i].events = POLLIN;
			any = any || polled[i].fd >= 0;
		}
		if (!any)
			break;
		/* Short, because what is left to be written is tried again each time. */
		(void)poll(polled, (nfds_t)queues_n(s), 10);
		for (int i = 0; i < queues_n(s); i++)
			if (polled[i].fd >= 0)
				queue_service(s->queues[i]);
		deliver_refused(s);
	}
	free(polled);
}

void
store_close(struct store **taken)
{
	struct store *s = *taken;

	*taken = NULL;
	s->closing = true;
	count_change(&stores_away, &s->away, false);
	count_change(&stores_stuck, &s->stuck, false);
	for (int i = 0; i < queues_n(s); i++)
		queue_delay(s->queues[i], 0);
	drain(s);
	for (int i = 0; i < queues_n(s); i++)
		queue_free(&s->queues[i]);
	while (!link_alone(&s->refused))
		deliver_refused(s);
	event_free(s->refuse);
	event_free(s->sweep);
	free(s->queues);
	free(s);
	evutil_monotonic_timer_free(timer);
	timer = NULL;
}

/* --- running --- */

/* Equal keys: the same connection, so the same order. */
static struct queue *
pick_writer(struct store *s, const struct sc_stmt *stmt, struct sc_args args)
{
	const struct sc_arg *key = stmt->key >= 0 ? &args.v[stmt->key] : NULL;
	uint32_t hash = 0;

	if (s->writers == 1)
		return s->queues[0];
	if (key && key->type == 'i')
		hash = hash_stable(&key->i, sizeof key->i);
	else if (key && key->p)
		hash = hash_stable(key->p, key->n);
	return s->queues[hash % (uint32_t)s->writers];
}

static struct queue *
pick_reader(struct store *s)
{
	struct queue *best = s->queues[s->writers];

	for (int i = s->writers + 1; i < queues_n(s); i++) {
		struct queue *q = s->queues[i];

		if (queue_up(q) == queue_up(best) ? queue_waiting(q) < queue_waiting(best)
						  : queue_up(q))
			best = q;
	}
	return best;
}

void
store_run(struct store *s, const struct sc_stmt *stmt, struct sc_args args, store_done done,
    void *arg)
{
	struct queue *q = stmt->mode == SC_STMT_READ ? pick_reader(s) : pick_writer(s, stmt, args);
	int index = stmt_index(stmt);
	struct op *op;
	int64_t now = store_now();
	bool refuse =
	    s->closing || queue_refuses(q, now) || s->bytes + op_size(stmt, args) > s->bytes_max;

	sc_assert(index >= 0);          /* nobody registered it */
	op = refuse ? op_new(&(struct sc_stmt){ .types = "" }, -1, SC_NO_ARGS, done, arg)
		    : op_new(stmt, index, args, done, arg);
	op->stmt = stmt;
	op->since = now;
	s->bytes += op->size;
	s->waiting++;
	stats_add(STAT_db_waiting_now, 1);
	if (refuse) {
		op->rows.status = SC_DB_BUSY;
		link_append(&s->refused, &op->link);
		event_active(s->refuse, EV_TIMEOUT, 0);
		return;
	}
	queue_append(q, op);
	sweep_later(s);
}

void
store_flush(struct store *s)
{
	for (int i = 0; i < queues_n(s); i++)
		queue_pump(s->queues[i]);
}

void
store_test_delay(struct store *s, int ms)
{
	for (int i = 0; i < queues_n(s); i++)
		queue_delay(s->queues[i], ms);
}

/* --- how it is --- */

bool
store_ready(const struct store *s)
{
	for (int i = 0; i < queues_n(s); i++)
		if (!queue_up(s->queues[i]))
			return false;
	return true;
}

size_t
store_waiting(const struct store *s)
{
	return (size_t)s->waiting;
}

bool
store_busy(const struct store *s)
{
	int64_t now = store_now();

	if (s->bytes >= s->bytes_max)
		return true;
	for (int i = 0; i < s->writers; i++)
		if (queue_refuses(s->queues[i], now))
			return true;
	return false;
}

const char *
store_last_error(const struct store *s)
{
	return s->error;
}
