/* SPDX-License-Identifier: MIT */
/* roster_get: the roster, whole or as what changed since a version (RFC 6121 §2.1.3, §2.2,
 * §2.6). */
#include "roster/roster.h"

#include <stdlib.h>

/* What a client with this version lacks, in the order in which it changed. */
struct news {
	uint32_t *at;                   /* places in the book */
	uint32_t n;
	const struct book *book;
};

static int
by_version(const void *a, const void *b, void *arg)
{
	const struct book *book = arg;
	int64_t x = book_at(book, *(const uint32_t *)a)->version,
		y = book_at(book, *(const uint32_t *)b)->version;

	return x < y ? -1 : x > y;
}

static struct news
news_since(struct sc_ctx *ctx, const struct book *book, int64_t version)
{
	struct news news = { .book = book };

	news.at = sc_alloc(sc_arena(ctx), (book->n + 1) * sizeof *news.at);
	for (uint32_t i = 0; i < book->n; i++) {
		const struct contact *c = book_at(book, i);

		if (c->version > version && (c->bits & (CONTACT_LISTED | CONTACT_GONE)))
			news.at[news.n++] = i;
	}
	qsort_r(news.at, news.n, sizeof *news.at, by_version, (void *)(uintptr_t)book);
	return news;
}

/* Can we tell this client only what is new to it? An empty or foreign version asks for
 * everything. */
static bool
version_is_ours(const struct book *book, const char *ver, int64_t *version)
{
	uint64_t n;

	if (ver == NULL || !sc_read_number(ver, INT64_MAX, &n))
		return false;
	*version = (int64_t)n;
	return *version <= book->version && *version >= book->horizon;
}

static enum sc_verdict
send_all(struct sc_ctx *ctx, const struct book *book, bool versioning)
{
	struct sc_stanza *result = sc_result(ctx);
	struct sc_elem *query = sc_add(result, sc_stanza_root(result), NS_ROSTER, "query");

	if (versioning)
		roster_set_version(result, query, book->version);
	for (uint32_t i = 0; i < book->n; i++)
		if (book_at(book, i)->bits & CONTACT_LISTED)
			roster_add_item(result, query, book, book_at(book, i));
	return sc_answer(ctx, &result);
}

static enum sc_verdict
send_news(struct sc_ctx *ctx, struct sc_session *session, const struct news *news)
{
	struct sc_stanza *result = sc_result(ctx);
	enum sc_verdict verdict = sc_answer(ctx, &result);

	for (uint32_t i = 0; session != NULL && i < news->n; i++) {
		const struct contact *c = book_at(news->book, news->at[i]);
		struct sc_jid contact = book_jid(c);

		roster_push_to(session, news->book, &contact, c->version);
	}
	return verdict;
}

/* There is no "roster does not exist": it was loaded with the account, or the account could not
 * be loaded. */
enum sc_verdict
roster_get(struct sc_ctx *ctx, const struct sc_elem *query)
{
	const struct roster_conf *conf = sc_conf(ctx);
	const struct roster *roster = roster_of(sc_entity(ctx));
	const struct book *book = &roster->book;
	struct sc_session *session = sc_session(ctx);
	int64_t version;
	struct news news;

	/* Never answer with an empty roster that is not empty: clients would delete their
	 * contacts. */
	if (!roster->loaded)
		return sc_refuse(ctx, SC_COND_INTERNAL,
			"The roster has not been loaded; log in again.");
	if (sc_child(query, NS_ROSTER, "item") != NULL)
		return sc_refuse(ctx, SC_COND_BAD_REQUEST, "A roster get has no items.");
	if (session != NULL)
		roster_set_interested(session);
	if (!conf->versioning || !version_is_ours(book, sc_attr(query, "ver"), &version))
		return send_all(ctx, book, conf->versioning);
	news = news_since(ctx, book, version);
	/* When most of it is new, the whole is shorter. */
	if (news.n > book->n_listed / 2 + 4)
		return send_all(ctx, book, conf->versioning);
	return send_news(ctx, session, &news);
}
