/* SPDX-License-Identifier: MIT */
/*
 * given: under which number in its stream a session that may be resumed gets a row (XEP-0198). When
 * the server has been killed its client names a number, and what it has by that is not given to it
 * again. So the number is written down before the row leaves: a page at a time, while the session
 * is corked.
 */
#include <stdlib.h>
#include "offline/spool.h"

/* Longer than this nobody's chats wait for a database that does not answer; then a kill may repeat
 * the page. */
#define CORKED_MS 2000

struct page {
	struct spool *spool;
	uint64_t session;
	uint8_t refs;                   /* the statement, and the timer */
	bool corked;
	void (*done)(void *arg);
	void *arg;
};

static const struct offline_conf *
conf_of(const struct spool *s)
{
	return sc_conf_of(&sc_module_offline, sc_entity_host(s->account));
}

static void
uncork(struct page *p)
{
	struct sc_session *session = sc_session_by_number(p->spool->account, p->session);

	if (!p->corked)
		return;
	p->corked = false;
	if (session != NULL)
		sc_session_cork(session, false);
	p->done(p->arg);
}

static void
unref(struct page *p)
{
	struct sc_entity *account = p->spool->account;

	if (--p->refs == 0)
		free(p);
	sc_entity_unpin(account);
}

static void
written(void *arg, const struct sc_rows *rows)
{
	struct page *p = arg;

	(void)rows;
	uncork(p);
	unref(p);
}

static void
took_too_long(void *arg)
{
	uncork(arg);
	unref(arg);
}

static void
wait_for(struct page *page)
{
	sc_entity_pin(page->spool->account);
	page->refs++;
}

/* Of what sc_session_rows() has listed, those behind `after` up to `last`, to the front. */
static int
pick(int64_t *numbers, int64_t *sequences, int n, int64_t after, int64_t last)
{
	int m = 0;

	for (int i = 0; i < n; i++)
		if (sequences[i] > after && sequences[i] <= last) {
			numbers[m] = numbers[i];
			sequences[m++] = sequences[i];
		}
	return m;
}

static void
write_down(struct spool *s, struct sc_session *session, const int64_t *numbers,
	const int64_t *sequences, int n, struct page *page)
{
	int64_t expires = sc_now() + conf_of(s)->expiry * 1000;

	spool_session(session)->given = true;
	sc_db_run(spool_sql.give, SC_ARGS(sc_int(sc_entity_id(s->account)),
		sc_text(sc_session_resumable(session)), sc_int(numbers[0]),
		sc_ints(numbers, (size_t)n), sc_ints(sequences, (size_t)n), sc_int(expires)),
		page != NULL ? written : NULL, page);
}

static struct page *
page_new(struct spool *s, struct sc_session *session, void (*done)(void *arg), void *arg)
{
	struct page *page = calloc(1, sizeof *page);

	sc_assert(page != NULL);
	*page = (struct page){ s, sc_session_number(session), 0, true, done, arg };
	sc_session_cork(session, true);
	wait_for(page);
	return page;
}

/* Numbers, then sequences; malloced. */
static int64_t *
rows_of(struct sc_session *session, int *n)
{
	int64_t *both;

	*n = sc_session_rows(session, NULL, NULL, 0);
	both = malloc(2 * (size_t)(*n + 1) * sizeof *both);
	sc_assert(both != NULL);
	sc_session_rows(session, both, both + *n, *n);
	return both;
}

void
given_page(struct spool *s, struct sc_session *session, int64_t after, int64_t last,
	void (*done)(void *arg), void *arg)
{
	struct page *page;
	int64_t *both;
	int n, all;

	if (sc_session_resumable(session) == NULL) {
		done(arg);
		return;
	}
	both = rows_of(session, &all);
	n = pick(both, both + all, all, after, last);
	if (n == 0) {
		done(arg);
	} else {
		page = page_new(s, session, done, arg);
		wait_for(page);
		sc_timer(CORKED_MS, took_too_long, page);
		write_down(s, session, both, both + all, n, page);
	}
	free(both);
}

static void
forget(const struct spool *s, struct sc_session *session)
{
	spool_session(session)->given = false;
	sc_db_run(spool_sql.give_end, SC_ARGS(sc_int(sc_entity_id(s->account)),
		sc_text(sc_session_resumable(session))), NULL, NULL);
}

/* The core deletes the session's row after this, on the same connection, before it is resumed. */
void
given_anew(struct spool *s, struct sc_session *session)
{
	int n;
	int64_t *both = rows_of(session, &n);

	forget(s, session);
	if (n > 0)
		write_down(s, session, both, both + n, n, NULL);
	free(both);
}

void
given_look(struct spool *s)
{
	for (struct sc_session *x = NULL; (x = sc_session_next(s->account, x)) != NULL;)
		if (spool_session(x)->given && sc_session_rows(x, NULL, NULL, 0) == 0)
			forget(s, x);
}
