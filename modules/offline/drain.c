/* SPDX-License-Identifier: MIT */
/*
 * drain: gives the stored messages to one session, in the order of their sequence, page by page and
 * never more than the session's queue has room for. While it lasts the core sends what is new for
 * the session to keep.c, which stores it behind the rest; so the order holds, and a drain ends when
 * a page comes back short and nothing is on its way into the database.
 *
 * With a steady inflow that moment might never come. So from the first short page on, and while the
 * very first page is being read, new messages are held (drain_near_end): there is an end that they
 * can wait for.
 *
 * A session that falls asleep in the middle keeps its drain, so that what comes meanwhile stays
 * behind the rest, until it wakes up or another session is there to go on with.
 *
 * A session that takes nothing for a while (a phone in a tunnel) must not keep another device of
 * the account waiting: if one is there that has room, the drain goes on with that. What the first
 * was given already stays with it.
 *
 * What can overtake a page that is being read: a row given back because its session ended (the page
 * began behind it), and a row of the page that was deleted meanwhile. In both cases the page is
 * thrown away and read again.
 */
#include <stdlib.h>
#include "offline/spool.h"

#define PAGE 64
#define LOOK_LATER_MS 1000
#define TRY_AGAIN_MS 250
#define PATIENCE_US (5 * 1000000LL)     /* without a database, before order gives way to chatting */
#define STALLED_MS 2000

struct drain {
	struct spool *spool;
	uint64_t session;
	int64_t cursor;                 /* given out up to here */
	int64_t asked_after;            /* the page being read begins behind this */
	int asked_for;                  /* rows */
	unsigned commits_then;          /* spool->commits when it was asked for */
	int64_t away_since;             /* sc_mono(): pages cannot be read; 0: they can */
	int64_t given_to;               /* the page given out last ends here */
	int64_t no_room_since;          /* sc_mono(); 0: it has room, or nobody has looked */
	uint8_t refs;                   /* until it is over, and while a page is being read */
	bool reading;                   /* and until the page is given out, and that written down */
	bool was_full;                  /* the page */
	/* its session sleeps, and it is known that something waits */
	bool peeked;
	bool stale;                     /* the page holds a row that is gone */
	bool near_end;
	bool over;
};

static void step(struct drain *);
static void page_arrived(void *, const struct sc_rows *);
static void watch(struct spool *);
static void look_when_the_database_is_back(struct spool *);

static void
look_now(void *arg)
{
	struct spool *s = arg;

	s->will_look = false;
	drain_look(s);
	sc_entity_unpin(s->account);
}

/* Is the database back? A drain that began without asking would stop the session's messages while
 * it waits for its page. */
static void
probed(void *arg, const struct sc_rows *rows)
{
	struct spool *s = arg;

	s->will_probe = false;
	if (sc_rows_status(rows) == SC_DB_OK) {
		keep_set_count(s, rows);
		drain_look(s);
	} else {
		look_when_the_database_is_back(s);
	}
	sc_entity_unpin(s->account);
}

static void
probe(void *arg)
{
	struct spool *s = arg;

	sc_db_run(spool_sql.count, SC_ARGS(sc_int(sc_entity_id(s->account))), probed, s);
}

/* When all have come back that do so together. */
static void
look_soon(struct spool *s)
{
	if (s->will_look)
		return;
	s->will_look = true;
	sc_entity_pin(s->account);
	sc_timer(0, look_now, s);
}

static void
look_when_the_database_is_back(struct spool *s)
{
	if (s->will_probe)
		return;
	s->will_probe = true;
	sc_entity_pin(s->account);
	sc_timer(LOOK_LATER_MS, probe, s);
}

bool
drain_near_end(const struct spool *s)
{
	return s->drain != NULL && s->drain->near_end;
}

void
drain_takes_long(struct spool *s)
{
	if (s->drain != NULL)
		s->drain->near_end = false;
}

static void
unref(struct drain *d)
{
	if (--d->refs == 0)
		free(d);
}

static bool
is_asleep(const struct drain *d)
{
	const struct sc_session *session = sc_session_by_number(d->spool->account, d->session);

	return session != NULL && sc_session_asleep(session);
}

/* Somebody is there to whom a page can be given. */
static bool
takes_rows(const struct drain *d)
{
	struct sc_session *session = sc_session_by_number(d->spool->account, d->session);

	return session == NULL || (sc_session_available(session) && !sc_session_asleep(session));
}

/* The session's other messages flow again. What was held is looked at by the caller, when it is
 * known who is next. */
static void
end(struct drain *d)
{
	struct spool *s = d->spool;
	struct sc_session *session = sc_session_by_number(s->account, d->session);

	s->drain = NULL;
	d->over = true;
	if (session != NULL)
		sc_session_draining(session, false);
	unref(d);
}

static void
finish(struct drain *d)
{
	struct spool *s = d->spool;

	s->nothing_left = true;
	end(d);
	keep_release_held(s);
	if (!s->swept) {
		s->swept = true;
		row_sweep(s);
	}
}

/* The database does not answer for long, or the session takes nothing. People must be able to chat
 * meanwhile. */
static void
give_up(struct drain *d)
{
	struct spool *s = d->spool;

	end(d);
	look_when_the_database_is_back(s);
	keep_release_held(s);
}

static void
set_aside(struct spool *s, int64_t sequence)
{
	sc_count(spool_counters.unreadable, 1);
	sc_log(NULL, SC_LOG_WARN, "spool.unreadable", "account=%s sequence=%lld",
		sc_entity_jid(s->account)->text, (long long)sequence);
	sc_db_run(spool_sql.set_aside, SC_ARGS(sc_int(sc_entity_id(s->account)), sc_int(sequence)),
		NULL, NULL);
}

const char *
delay_patch(struct sc_stanza *m, const struct spool *s, int64_t created)
{
	struct sc_arena *arena = sc_stanza_arena(m);

	return sc_format(arena, "<delay xmlns='" SC_NS_DELAY "' from='%s' stamp='%s'/>",
		sc_host_name(sc_entity_host(s->account)), sc_timestamp(arena, created));
}

static void
give(struct spool *s, struct sc_session *session, int64_t sequence, int64_t created,
	struct sc_span payload)
{
	struct sc_stanza *m = payload.p != NULL ? sc_stanza_read(payload.p, payload.n) : NULL;
	const char *patch;

	if (m == NULL || sc_kind(m) != SC_MESSAGE) {
		sc_stanza_free(&m);
		set_aside(s, sequence);
		return;
	}
	patch = delay_patch(m, s, created);
	row_push(s, session, sequence, payload.n, sc_seal(m), patch);
	sc_stanza_free(&m);
}

/* Gives out the rows of a page. False: the drain ended in the middle. */
static bool
give_page(struct drain *d, const struct sc_rows *rows)
{
	struct spool *s = d->spool;

	for (int i = 0; i < sc_rows_count(rows); i++) {
		int64_t sequence = sc_row_int(rows, i, 0);
		struct sc_session *session = sc_session_by_number(s->account, d->session);

		d->cursor = session != NULL ? sequence : sequence - 1;
		if (session != NULL && !row_is_out(s, sequence))
			give(s, session, sequence, sc_row_int(rows, i, 1), sc_row_text(rows, i, 2));
		if (!d->over && d->cursor < sequence)   /* back at once, or nobody there */
			give_up(d);
		if (d->over)
			return false;
	}
	return true;
}

static void
after_page(struct drain *d, bool was_full)
{
	struct spool *s = d->spool;

	if (was_full) {
		/* More than a moment's work: what comes meanwhile is stored. */
		d->near_end = false;
		keep_release_held(s);
		if (s->drain == d)
			step(d);
		return;
	}
	if (s->under_way == 0 && s->writing == 0 && s->commits == d->commits_then) {
		finish(d);
		return;
	}
	d->near_end = true;
	if (s->under_way == 0 && s->writing == 0)
		step(d);
}

static void
try_again(void *arg)
{
	struct drain *d = arg;
	struct sc_entity *account = d->spool->account;

	d->reading = false;
	if (!d->over)
		step(d);
	unref(d);
	sc_entity_unpin(account);
}

/* A database that restarts is back in a moment. Until then what is new is stored behind the rest,
 * or waits to be. */
static void
cannot_read(struct drain *d)
{
	struct spool *s = d->spool;

	if (d->away_since == 0)
		d->away_since = sc_mono();
	if (sc_mono() - d->away_since > PATIENCE_US) {
		give_up(d);
		return;
	}
	d->near_end = false;
	d->refs++;
	sc_entity_pin(s->account);
	sc_timer(TRY_AGAIN_MS, try_again, d);
	keep_release_held(s);
}

/* Rows may have come back while it was written down that they were given out. */
static void
page_left(void *arg)
{
	struct drain *d = arg;
	struct sc_entity *account = d->spool->account;

	d->reading = false;
	if (!d->over && (d->stale || d->cursor != d->given_to))
		step(d);
	else if (!d->over)
		after_page(d, d->was_full);
	unref(d);
	sc_entity_unpin(account);
}

static void
page_given(struct drain *d, bool was_full)
{
	struct spool *s = d->spool;
	struct sc_session *session = sc_session_by_number(s->account, d->session);

	d->away_since = 0;
	d->was_full = was_full;
	d->given_to = d->cursor;
	d->refs++;
	sc_entity_pin(s->account);
	if (session != NULL)
		given_page(s, session, d->asked_after, d->cursor, page_left, d);
	else
		page_left(d);
}

static bool
nothing_in(const struct spool *s, const struct sc_rows *rows)
{
	for (int i = 0; i < sc_rows_count(rows); i++)
		if (!row_is_out(s, sc_row_int(rows, i, 0)))
			return false;
	return true;
}

static void
page_arrived(void *arg, const struct sc_rows *rows)
{
	struct drain *d = arg;
	struct spool *s = d->spool;
	struct sc_entity *account = s->account;
	bool was_full = sc_rows_count(rows) == d->asked_for;

	if (d->over) {
		/* nothing */
	} else if (sc_rows_status(rows) != SC_DB_OK) {
		cannot_read(d);
	} else if (d->peeked && is_asleep(d) && !was_full && !d->stale && nothing_in(s, rows)) {
		d->reading = false;
		d->peeked = false;              /* after_page() may look again */
		after_page(d, false);
	} else if (d->stale || d->asked_after != d->cursor || !takes_rows(d) ||
		s->in_their_place > 0) {
		d->reading = false;
		step(d);
	} else if (give_page(d, rows)) {
		page_given(d, was_full);
	}
	unref(d);
	sc_entity_unpin(account);
}

static void
ask(struct drain *d, int rows)
{
	struct spool *s = d->spool;

	d->reading = true;
	d->refs++;
	d->stale = false;
	d->asked_after = d->cursor;
	d->asked_for = rows;
	d->commits_then = s->commits;
	sc_entity_pin(s->account);
	sc_db_run(spool_sql.page, SC_ARGS(sc_int(sc_entity_id(s->account)), sc_int(d->cursor),
		sc_int(sc_now()), sc_int(d->asked_for)), page_arrived, d);
}

/* Is there anything at all that the session could be given when it wakes up? If not, what comes is
 * for it and others, and need not wait behind it. */
static void
peek(struct drain *d)
{
	d->peeked = true;
	ask(d, PAGE);
}

static void
step(struct drain *d)
{
	struct spool *s = d->spool;
	struct sc_session *session = sc_session_by_number(s->account, d->session);
	int room;

	if (d->reading || s->in_their_place > 0)        /* drain_look_back() will tell */
		return;
	if (session == NULL) {          /* its end was not told: the module has been disabled */
		give_up(d);
		return;
	}
	if (sc_session_asleep(session)) {       /* session_awake will tell, or drain_look() */
		d->near_end = false;
		keep_release_held(s);
		if (s->drain == d && !d->peeked)
			peek(d);
		return;
	}
	d->peeked = false;
	if (!sc_session_available(session)) {   /* its stream has ended, what it sent is not done */
		end(d);
		drain_look(s);
		keep_release_held(s);
		return;
	}
	room = sc_session_window(session);
	if (room <= 0) {                /* session_drained will tell */
		d->no_room_since = d->no_room_since != 0 ? d->no_room_since : sc_mono();
		d->near_end = false;
		watch(s);
		keep_release_held(s);
		return;
	}
	d->no_room_since = 0;
	ask(d, room < PAGE ? room : PAGE);
}

static void
begin(struct spool *s, struct sc_session *session)
{
	struct drain *d = calloc(1, sizeof *d);

	sc_assert(d != NULL);
	d->spool = s;
	d->session = sc_session_number(session);
	d->refs = 1;
	d->near_end = true;
	s->drain = d;
	sc_session_draining(session, true);
	step(d);
}

void
drain_wait_for(struct spool *s, struct sc_session *session)
{
	if (s->drain == NULL)
		begin(s, session);
}

static bool
may_be_given(const struct sc_session *x)
{
	return sc_session_available(x) && sc_session_priority(x) >= 0 && !sc_session_asleep(x);
}

/* The first that has room, or else the first. */
static struct sc_session *
somebody(struct spool *s)
{
	struct sc_session *found = NULL;

	for (struct sc_session *x = NULL; (x = sc_session_next(s->account, x)) != NULL;) {
		if (!may_be_given(x))
			continue;
		if (sc_session_window(x) > 0)
			return x;
		if (found == NULL)
			found = x;
	}
	return found;
}

void
drain_look(struct spool *s)
{
	struct sc_session *x;

	if ((s->drain != NULL && !is_asleep(s->drain)) || s->will_probe || is_nobodys(s) ||
	    (s->nothing_left && s->writing == 0))
		return;
	x = somebody(s);
	if (x == NULL)
		return;
	if (s->drain != NULL)
		end(s->drain);
	begin(s, x);
}

static void
look_for_another(void *arg)
{
	struct spool *s = arg;
	struct drain *d = s->drain;
	struct sc_session *x = d != NULL && d->no_room_since != 0 ? somebody(s) : NULL;

	s->will_watch = false;
	if (x != NULL && sc_session_window(x) > 0 &&
	    sc_mono() - d->no_room_since >= STALLED_MS * INT64_C(1000)) {
		end(d);
		begin(s, x);
		keep_release_held(s);
	} else if (x != NULL) {
		watch(s);
	}
	sc_entity_unpin(s->account);
}

static void
watch(struct spool *s)
{
	if (s->will_watch)
		return;
	s->will_watch = true;
	sc_entity_pin(s->account);
	sc_timer(STALLED_MS, look_for_another, s);
}

void
drain_pause(struct spool *s)
{
	drain_look(s);
	if (s->drain != NULL && is_asleep(s->drain) && !s->drain->reading)
		step(s->drain);
}

void
drain_go_on(struct spool *s)
{
	if (s->drain != NULL)
		step(s->drain);
}

void
drain_stop(struct spool *s, const struct sc_session *session)
{
	if (s->drain == NULL || s->drain->session != sc_session_number(session))
		return;
	end(s->drain);
	drain_look(s);
	keep_release_held(s);
}

/* A session ended with something that it had been given: the next one is given it again, in its
 * place. */
void
drain_row_came_back(struct spool *s, int64_t sequence)
{
	s->nothing_left = false;
	if (s->drain == NULL)
		look_soon(s);
	else if (s->drain->cursor >= sequence)
		s->drain->cursor = sequence - 1;
	/* the page may be of a time when the row was not there yet */
	else if (s->drain->reading)
		s->drain->stale = true;
}

void
drain_look_back(struct spool *s)
{
	s->nothing_left = false;
	if (s->drain == NULL) {
		look_soon(s);
		return;
	}
	s->drain->cursor = 0;
	s->drain->stale = s->drain->reading;
	if (s->in_their_place == 0)
		step(s->drain);
}

void
drain_row_is_gone(struct spool *s, int64_t sequence)
{
	if (s->drain != NULL && s->drain->reading && sequence > s->drain->asked_after)
		s->drain->stale = true;
}
