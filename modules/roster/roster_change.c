/* SPDX-License-Identifier: MIT */
/*
 * roster_change: one change of a roster at a time. Streams of one account and stanzas of many
 * contacts reach a roster at once, each waiting for the database; a change that is decided from
 * what the book says must find it as it is when it is applied. So the next one begins only when the
 * last has been committed or has failed. Changes of different accounts do not wait for each other.
 */
#include "roster/roster.h"
#include "roster/roster.sql.h"

#include <stdlib.h>

#define PATIENCE_MS 30000               /* longer than the outage after which the store says BUSY */

static enum sc_verdict
its_turn(struct sc_ctx *ctx, void *result)
{
	struct change *c = sc_kept(ctx);
	struct change **it = &c->roster->first;

	if (result != NULL)
		return c->begin(ctx, c);
	/* It waited too long: the token is spent, and nobody may find it in the queue. */
	c->roster->last = NULL;
	while (*it != NULL) {
		if (*it == c)
			*it = c->next;
		if (*it != NULL) {
			c->roster->last = *it;
			it = &(*it)->next;
		}
	}
	return sc_refuse(ctx, SC_COND_RESOURCE_CONSTRAINT,
		"The roster cannot be changed right now.");
}

enum sc_verdict
roster_enter(struct sc_ctx *ctx, struct change *c)
{
	struct roster *r = c->roster;

	if (!r->loaded)
		return sc_refuse(ctx, SC_COND_INTERNAL,
			"The roster has not been loaded; log in again.");
	sc_keep(ctx, c);
	if (!r->busy) {
		r->busy = true;
		return c->begin(ctx, c);
	}
	if (r->last != NULL)
		r->last->next = c;
	else
		r->first = c;
	r->last = c;
	return sc_hold(ctx, its_turn, PATIENCE_MS, &c->token);
}

/* sc_resume() runs the next change inside this call, and that may leave at once: hence a loop
 * and no recursion. */
void
roster_leave(struct change *done)
{
	struct roster *r = done->roster;

	sc_assert(r->busy);
	r->busy = false;
	if (r->waking)
		return;
	r->waking = true;
	while (!r->busy && r->first != NULL) {
		struct change *c = r->first;

		r->first = c->next;
		if (r->first == NULL)
			r->last = NULL;
		r->busy = true;
		sc_resume(&c->token, c);
	}
	r->waking = false;
}

int64_t
roster_next_version(const struct roster *r)
{
	int64_t now = sc_now(), last = r->book.version;

	if (last < r->last_request)
		last = r->last_request;
	return now > last ? now : last + 1;
}

/* --- what a subscription's change means for the bits of a contact --- */

enum roster_state
roster_state_in_bits(unsigned bits)
{
	return roster_state_of((enum sc_subscription)(bits & CONTACT_SUBSCRIPTION),
		bits & CONTACT_ASKED, bits & CONTACT_ASKING_US);
}

unsigned
roster_bits_after(unsigned was, enum roster_state next)
{
	unsigned is = (was & (CONTACT_APPROVED | CONTACT_LISTED | CONTACT_GONE)) |
		roster_state_subscription(next) |
		(roster_state_out(next) ? CONTACT_ASKED : 0) |
		(roster_state_in(next) ? CONTACT_ASKING_US : 0);

	/* A contact who only asks us does not come on the roster by that (§3.1.3). */
	if (is & (CONTACT_SUBSCRIPTION | CONTACT_ASKED | CONTACT_APPROVED))
		is |= CONTACT_LISTED;
	if (is & CONTACT_LISTED)
		is &= ~(unsigned)CONTACT_GONE;
	return is;
}

bool
roster_seen_to_change(const struct change *c)
{
	return (c->was ^ c->is) &
		(CONTACT_SUBSCRIPTION | CONTACT_ASKED | CONTACT_APPROVED | CONTACT_LISTED);
}

static const char *const subscription_names[] = { "none", "to", "from", "both" };

enum sc_verdict
roster_write(struct sc_ctx *ctx, struct change *c, sc_rows_cont cont)
{
	struct sc_arg owner = sc_int(sc_entity_id(c->account)), contact = sc_text(c->contact->text);
	bool answered = (c->was & CONTACT_ASKING_US) && !(c->is & CONTACT_ASKING_US);
	size_t n;
	char *text;

	c->version = roster_next_version(c->roster);
	if (roster_seen_to_change(c))
		return sc_db_hold(ctx, &sql_roster_state, SC_ARGS(owner, contact,
			sc_text(subscription_names[c->is & CONTACT_SUBSCRIPTION]),
			sc_int(c->is & CONTACT_ASKED), sc_int(c->is & CONTACT_APPROVED),
			sc_int(c->version), sc_int(answered)), cont);
	if (answered)
		return sc_db_hold(ctx, &sql_roster_answer, SC_ARGS(owner, contact), cont);
	sc_assert((c->is & CONTACT_ASKING_US) && !(c->was & CONTACT_ASKING_US) && c->kept != NULL);
	text = sc_stanza_text(sc_arena(ctx), c->kept, &n);
	return sc_db_hold(ctx, &sql_roster_request, SC_ARGS(owner, contact,
		sc_text_span((struct sc_span){ text, n }), sc_int(c->version)), cont);
}

void
roster_commit(struct change *c)
{
	struct book *book = &c->roster->book;
	const struct contact *before = book_find(book, sc_jid_bare_span(c->contact));
	bool seen = roster_seen_to_change(c);

	/* The version of a request is the time that is stored with it. */
	if ((c->is & CONTACT_ASKING_US) && !(c->was & CONTACT_ASKING_US))
		c->roster->last_request = c->version;
	book_mark(book, c->contact, c->is,
		seen ? c->version : before != NULL ? before->version : 0);
}

bool
roster_written(const struct sc_rows *rows)
{
	return sc_rows_status(rows) == SC_DB_OK;
}

enum sc_verdict
roster_not_written(struct sc_ctx *ctx, struct change *c, const struct sc_rows *rows)
{
	enum sc_db_status status = sc_rows_status(rows);

	sc_log(ctx, SC_LOG_WARN, "roster.not_written", "account=%s sqlstate=%s",
		sc_entity_jid(c->account)->text, sc_rows_state(rows));
	sc_stanza_free(&c->kept);
	roster_leave(c);
	return sc_refuse(ctx, status == SC_DB_BUSY ? SC_COND_RESOURCE_CONSTRAINT : SC_COND_INTERNAL,
		"The roster cannot be changed right now.");
}

/* --- removals --- */

static int
by_version(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Forgets the older half when there are too many. Rosters older than that are sent whole. */
void
roster_bound_removals(struct sc_entity *account, struct roster *r, int64_t max)
{
	struct book *book = &r->book;
	uint32_t n = 0;
	int64_t *versions;

	if (book->n_gone <= max)
		return;
	versions = calloc(book->n_gone, sizeof *versions);
	sc_assert(versions != NULL);
	for (uint32_t i = 0; i < book->n; i++)
		if (book_at(book, i)->bits & CONTACT_GONE)
			versions[n++] = book_at(book, i)->version;
	qsort(versions, n, sizeof *versions, by_version);
	sc_db_run(&sql_roster_forget,
		SC_ARGS(sc_int(sc_entity_id(account)), sc_int(versions[n / 2])), NULL, NULL);
	book_forget(book, versions[n / 2]);
	free(versions);
}
