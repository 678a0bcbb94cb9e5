/* SPDX-License-Identifier: MIT */
/*
 * roster_login: when a client becomes available it sees the requests that wait for an answer (RFC
 * 6121 §3.1.3), and requests of ours that were never answered are sent again (§3.1.2), which also
 * mends what a crash between two accounts left half done.
 */
#include "roster/roster.h"
#include "roster/roster.sql.h"

#include <stdlib.h>

#define RESEND_MAX 100                  /* requests sent again at one login */

struct showing {
	struct sc_entity *account;      /* pinned */
	uint64_t session;
};

/* Shows one stored request, unless it was answered while we read. */
static void
show_request(struct sc_session *s, const struct book *book, const struct sc_rows *rows, int row)
{
	struct sc_span text = sc_row_text(rows, row, 1);
	const struct contact *c = book_find(book, sc_row_text(rows, row, 0));
	struct sc_stanza *request;

	if (c == NULL || !(c->bits & CONTACT_ASKING_US))
		return;
	request = sc_stanza_read(text.p, text.n);
	if (request == NULL) {
		sc_log(NULL, SC_LOG_WARN, "roster.request_unreadable", "account=%s",
			sc_entity_jid(sc_session_account(s))->text);
		return;
	}
	sc_add_delay(request, sc_entity_jid(sc_session_account(s)), sc_row_int(rows, row, 2));
	sc_push(s, &request);
}

static void
requests_arrived(void *arg, const struct sc_rows *rows)
{
	struct showing *w = arg;
	struct sc_session *s = sc_session_by_number(w->account, w->session);

	if (s != NULL && sc_session_available(s) && sc_rows_status(rows) == SC_DB_OK)
		for (int row = 0; row < sc_rows_count(rows); row++)
			show_request(s, &roster_of(w->account)->book, rows, row);
	sc_entity_unpin(w->account);
	free(w);
}

/* Later ones reach the client when they come: it is available already. */
static void
show_requests(struct sc_session *s, const struct roster *r)
{
	struct showing *w;

	if (r->book.n_asking == 0)
		return;
	w = malloc(sizeof *w);
	sc_assert(w != NULL);
	*w = (struct showing){ sc_session_account(s), sc_session_number(s) };
	sc_entity_pin(w->account);
	sc_db_run(&sql_roster_requests_until,
		SC_ARGS(sc_int(sc_entity_id(w->account)), sc_int(r->last_request)),
		requests_arrived, w);
}

static bool
is_the_first(struct sc_entity *account, const struct sc_session *session)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (s != session && sc_session_available(s))
			return false;
	return true;
}

static void
ask_again(struct sc_entity *account, const struct book *book)
{
	int n = 0;

	for (uint32_t i = 0; i < book->n && n < RESEND_MAX; i++) {
		struct sc_jid contact = book_jid(book_at(book, i));

		if (book_at(book, i)->bits & CONTACT_ASKED) {
			roster_send(account, &contact, SC_TYPE_SUBSCRIBE, NULL);
			n++;
		}
	}
}

void
roster_login(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	struct sc_entity *account = sc_session_account(ev->session);
	struct roster *r = roster_of(account);

	(void)ctx;
	if (ev->was_available || !ev->is_available)
		return;
	show_requests(ev->session, r);
	if (is_the_first(account, ev->session))
		ask_again(account, &r->book);
}
