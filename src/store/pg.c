/* SPDX-License-Identifier: MIT */
/* pg: one pipelined connection. See pg.h. */
#include "config.h"

#include "store/pg.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "base/rand.h"
#include "net/loop.h"
#include "store/stmt.h"
#include "store/store.h"
#include <stonechat/log.h>

#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 5000

/* What the server still owes us, in the order asked. */
struct due {
	enum { DUE_PREPARE, DUE_PREPARE_SYNC, DUE_ANSWER, DUE_SYNC } kind;
	int stmt;
	void *cookie;
};

/* A connection being made by a thread of its own (connect.c waits). Shared by the thread and the
 * loop; the last one frees it. */
struct attempt {
	atomic_int refs;
	int fd;                         /* eventfd: done */
	struct connect_want want;       /* strings owned */
	PGconn *conn;
	char error[300];
};

struct pg {
	struct event_base *base;
	struct connect_want want;       /* strings owned */
	const struct pg_owner *owner;
	void *arg;

	PGconn *conn;                   /* NULL: not up */
	/* The socket again, for the loop: libpq closes its own as soon as a read fails, and by
	 * the time we look another thread may have been given the number. -1: not up. */
	int fd;
	struct event *readable, *writable;
	struct due *due;                /* ring */
	unsigned due_first, due_n, due_room;
	bool answered; /* the first of due has given its result, its end has not come */
	PGresult *failed_sync;
	bool broken;                    /* to be dropped at the loop's next chance */
	char why[300];

	struct attempt *attempt;
	struct event *attempt_done;
	struct event *kick;             /* timer: next attempt, or dealing with broken */
	int retry_ms;
	unsigned char *prepared;
	int prepared_n;
};

static void lose(struct pg *);

/* --- connecting --- */

static void
want_copy(struct connect_want *to, const struct connect_want *from)
{
	*to = *from;
	to->uri = mem_text(from->uri, strlen(from->uri));
	to->app_name = mem_text(from->app_name, strlen(from->app_name));
}

static void
want_free(struct connect_want *want)
{
	free((char *)want->uri);
	free((char *)want->app_name);
}

static void
attempt_leave(struct attempt *a)
{
	if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (a->conn)
		PQfinish(a->conn);
	close(a->fd);
	want_free(&a->want);
	free(a);
}

static void *
attempt_thread(void *arg)
{
	struct attempt *a = arg;

	a->conn = connect_now(&a->want, a->error, sizeof a->error);
	(void)!eventfd_write(a->fd, 1);
	attempt_leave(a);
	return NULL;
}

static bool
thread_start(struct attempt *a)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	bool started;

	/* Signals are for the loops. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attr, attempt_thread, a) == 0;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void
kick_in(struct pg *pg, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(pg->kick, &tv);
}

/* Somewhere between half of the pause and all of it, so that many connections do not come back
 * at one instant. */
static void
retry_later(struct pg *pg)
{
	int ms = pg->retry_ms / 2 + (int)(rand_u64() % (unsigned)(pg->retry_ms / 2 + 1));

	pg->retry_ms = pg->retry_ms * 2 < RETRY_MAX_MS ? pg->retry_ms * 2 : RETRY_MAX_MS;
	kick_in(pg, ms);
}

static void on_socket(evutil_socket_t, short, void *);

static void
say_why(struct pg *pg, const char *why)
{
	connect_error(why, pg->why, sizeof pg->why);
}

static struct event *
event_make(struct pg *pg, int fd, short what, event_callback_fn fn)
{
	struct event *ev = event_new(pg->base, fd, what, fn, pg);

	sc_assert(ev);
	return ev;
}

static void
adopt(struct pg *pg, PGconn *conn, int fd)
{
	sc_assert(PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1);
	pg->conn = conn;
	pg->fd = fd;
	pg->want.predecessor = PQbackendPID(conn);
	pg->readable = event_make(pg, fd, EV_READ | EV_PERSIST, on_socket);
	pg->writable = event_make(pg, fd, EV_WRITE, on_socket);
	event_add(pg->readable, NULL);
	pg->retry_ms = RETRY_MIN_MS;
	pg->why[0] = '\0';
	free(pg->prepared);
	pg->prepared_n = store_stmt_count();
	pg->prepared = mem_new((size_t)pg->prepared_n + 1);
	pg->owner->up(pg->arg);
}

static void
attempt_forget(struct pg *pg)
{
	event_free(pg->attempt_done);
	pg->attempt_done = NULL;
	attempt_leave(pg->attempt);
	pg->attempt = NULL;
}

static void
on_attempt_done(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;
	eventfd_t count;
	PGconn *conn;
	int again = -1;

	(void)what;
	loop_woke();
	(void)!eventfd_read(fd, &count);
	conn = pg->attempt->conn;
	pg->attempt->conn = NULL;
	if (!conn)
		snprintf(pg->why, sizeof pg->why, "%s", pg->attempt->error);
	attempt_forget(pg);
	if (conn && (again = fcntl(PQsocket(conn), F_DUPFD_CLOEXEC, 0)) < 0) {
		say_why(pg, strerror(errno));
		PQfinish(conn);
		conn = NULL;
	}
	if (conn) {
		adopt(pg, conn, again);
	} else {
		retry_later(pg);
		pg->owner->down(pg->arg, pg->why, false);
	}
}

static void
attempt_start(struct pg *pg)
{
	struct attempt *a = mem_new(sizeof *a);

	a->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (a->fd < 0) {                /* out of descriptors: somebody will close one */
		free(a);
		retry_later(pg);
		return;
	}
	want_copy(&a->want, &pg->want);
	atomic_init(&a->refs, 2);
	if (!thread_start(a)) {
		attempt_leave(a);
		attempt_leave(a);
		retry_later(pg);
		return;
	}
	pg->attempt = a;
	pg->attempt_done = event_make(pg, a->fd, EV_READ, on_attempt_done);
	event_add(pg->attempt_done, NULL);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	loop_woke();
	if (pg->broken)
		lose(pg);
	else if (!pg->conn && !pg->attempt)
		attempt_start(pg);
}

struct pg *
pg_new(struct event_base *base, const struct connect_want *want, const struct pg_owner *owner,
    void *arg)
{
	struct pg *pg = mem_new(sizeof *pg);

	pg->base = base;
	pg->fd = -1;
	want_copy(&pg->want, want);
	pg->owner = owner;
	pg->arg = arg;
	pg->retry_ms = RETRY_MIN_MS;
	pg->due_room = 64;
	pg->due = mem_new(pg->due_room * sizeof *pg->due);
	pg->kick = event_make(pg, -1, 0, on_kick);
	attempt_start(pg);
	return pg;
}

static void
hang_up(struct pg *pg)
{
	if (!pg->conn)
		return;
	event_free(pg->readable);
	event_free(pg->writable);
	PQfinish(pg->conn);
	close(pg->fd);
	pg->fd = -1;
	pg->conn = NULL;
	PQclear(pg->failed_sync);
	pg->failed_sync = NULL;
	pg->due_n = 0;
	pg->answered = pg->broken = false;
}

void
pg_free(struct pg **taken)
{
	struct pg *pg = *taken;

	*taken = NULL;
	hang_up(pg);
	if (pg->attempt)
		attempt_forget(pg);
	event_free(pg->kick);
	want_free(&pg->want);
	free(pg->prepared);
	free(pg->due);
	free(pg);
}

/* --- losing it --- */

static void
lose(struct pg *pg)
{
	bool all_sent;

	if (!pg->conn)
		return;
	/* Pending as long as libpq said that something is left. PQflush itself would lie by now:
	 * once a write has failed it claims that nothing is left. */
	all_sent = !event_pending(pg->writable, EV_WRITE, NULL);
	hang_up(pg);
	kick_in(pg, (int)(rand_u64() % RETRY_MIN_MS));
	pg->owner->down(pg->arg, pg->why, all_sent);
}

static void
break_it(struct pg *pg, const char *why)
{
	if (!pg->broken)
		say_why(pg, why);
	pg->broken = true;
}

void
pg_drop(struct pg *pg, const char *why)
{
	if (!pg->conn)
		return;
	break_it(pg, why);
	kick_in(pg, 0);
}

bool
pg_is_up(const struct pg *pg)
{
	return pg->conn && !pg->broken;
}

/* --- sending --- */

static void
owe(struct pg *pg, struct due due)
{
	if (pg->due_n == pg->due_room) {
		struct due *wider = mem_new((size_t)pg->due_room * 2 * sizeof *wider);

		for (unsigned i = 0; i < pg->due_n; i++)
			wider[i] = pg->due[(pg->due_first + i) % pg->due_room];
		free(pg->due);
		pg->due = wider;
		pg->due_first = 0;
		pg->due_room *= 2;
	}
	pg->due[(pg->due_first + pg->due_n++) % pg->due_room] = due;
}

static void
stmt_label(int stmt, char out[16])
{
	snprintf(out, 16, "s%d", stmt);
}

void
pg_prepare(struct pg *pg, int stmt)
{
	const struct sc_stmt *s = store_stmt_at(stmt);
	Oid types[STMT_ARGS_MAX];
	char label[16];

	sc_assert(stmt < pg->prepared_n);
	if (pg->prepared[stmt] || !pg_is_up(pg))
		return;
	stmt_label(stmt, label);
	stmt_types(s, types);
	if (!PQsendPrepare(pg->conn, label, s->sql, (int)strlen(s->types), types)) {
		pg_drop(pg, PQerrorMessage(pg->conn));
		return;
	}
	owe(pg, (struct due){ .kind = DUE_PREPARE, .stmt = stmt });
	pg->prepared[stmt] = 1;
	if (!PQpipelineSync(pg->conn))
		pg_drop(pg, PQerrorMessage(pg->conn));
	owe(pg, (struct due){ .kind = DUE_PREPARE_SYNC });
}

void
pg_exec(struct pg *pg, int stmt, int n, const char *const *values, const int *lengths,
    const int *formats, void *cookie)
{
	char label[16];

	if (!pg_is_up(pg))
		return;
	stmt_label(stmt, label);
	if (!PQsendQueryPrepared(pg->conn, label, n, values, lengths, formats, 1)) {
		pg_drop(pg, PQerrorMessage(pg->conn));
		return;
	}
	owe(pg, (struct due){ .kind = DUE_ANSWER, .stmt = stmt, .cookie = cookie });
}

void
pg_sync(struct pg *pg)
{
	int sent;

	if (!pg_is_up(pg))
		return;
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	sent = PQsendPipelineSync(pg->conn);    /* the older one flushes each time */
#else
	sent = PQpipelineSync(pg->conn);
#endif
	if (!sent)
		pg_drop(pg, PQerrorMessage(pg->conn));
	else
		owe(pg, (struct due){ .kind = DUE_SYNC });
}

void
pg_flush(struct pg *pg)
{
	int left;

	if (!pg_is_up(pg))
		return;
	left = PQflush(pg->conn);
	if (left < 0)
		pg_drop(pg, PQerrorMessage(pg->conn));
	else if (left > 0)
		event_add(pg->writable, NULL);
	else
		event_del(pg->writable);
}

/* --- receiving --- */

static void
pop(struct pg *pg)
{
	pg->due_first = (pg->due_first + 1) % pg->due_room;
	pg->due_n--;
	pg->answered = false;
}

static bool
is_farewell(const PGresult *res)
{
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static void
take_prepared(struct pg *pg, const struct due *due, PGresult *res)
{
	if (PQresultStatus(res) != PGRES_COMMAND_OK) {
		/* A bug, or a schema that is not ours. The statement fails by itself afterwards;
		 * this is the reason. */
		char text[200];

		pg->prepared[due->stmt] = 0;
		connect_error(PQresultErrorMessage(res), text, sizeof text);
		sc_log(NULL, SC_LOG_ERROR, "db.prepare_failed", "statement=%s error=\"%s\"",
		    store_stmt_at(due->stmt)->name, text);
	}
	PQclear(res);
}

/* One result of libpq. False: the connection is of no more use. */
static bool
take(struct pg *pg, PGresult *res)
{
	struct due due = pg->due[pg->due_first];
	PGresult *failed;

	if (!res) {                     /* the end of a statement's results */
		if (pg->answered)
			pop(pg);
		return true;
	}
	if (is_farewell(res)) {
		break_it(pg, PQresultErrorMessage(res));
		PQclear(res);
		return false;
	}
	switch (due.kind) {
	case DUE_PREPARE:
		pg->answered = true;
		take_prepared(pg, &due, res);
		return true;
	case DUE_ANSWER:
		if (pg->answered) {     /* cannot be: each statement gives one */
			PQclear(res);
			return true;
		}
		pg->answered = true;
		pg->owner->answer(pg->arg, due.cookie, res);
		return true;
	default:
		if (PQresultStatus(res) != PGRES_PIPELINE_SYNC) {
			/* the commit failed: a deferred constraint, a full disk */
			PQclear(pg->failed_sync);
			pg->failed_sync = res;
			return true;
		}
		PQclear(res);
		failed = pg->failed_sync;
		pg->failed_sync = NULL;
		pop(pg);
		if (due.kind == DUE_SYNC)
			pg->owner->synced(pg->arg, failed);
		PQclear(failed);
		return true;
	}
}

static void
receive(struct pg *pg)
{
	int nothing = 0;

	if (!PQconsumeInput(pg->conn)) {
		break_it(pg, PQerrorMessage(pg->conn));
		return;
	}
	/* PQisBusy also reads what came without being asked for. */
	while (!PQisBusy(pg->conn) && pg->due_n > 0 && !pg->broken) {
		PGresult *res = PQgetResult(pg->conn);

		/* A dead connection makes an error result of its own: it belongs
		 * to no statement. */
		if (PQstatus(pg->conn) != CONNECTION_OK) {
			break_it(pg, PQerrorMessage(pg->conn));
			PQclear(res);
			return;
		}
		nothing = res ? 0 : nothing + 1;
		if (nothing > 2)        /* libpq is idle but we are owed something */
			break_it(pg, "lost track of the pipeline");
		else if (!take(pg, res))
			return;
	}
}

void
pg_service(struct pg *pg)
{
	if (pg->conn && !pg->broken)
		receive(pg);
	if (pg->conn && !pg->broken)
		pg_flush(pg);
	if (pg->broken)
		lose(pg);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_woke();
	pg_service(arg);
}

int
pg_socket(const struct pg *pg)
{
	return pg->fd;
}
