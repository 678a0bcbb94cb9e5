/* SPDX-License-Identifier: MIT */
/*
 * rsm: result sets in pages (XEP-0059). Whoever answers with a list reads the asker's <set/> by
 * sc_rsm_read(), collects one page, and says by sc_rsm_add() which one it was. Item ids are opaque
 * to askers; what is not an id of the answerer's is item-not-found (§2.4).
 */
#ifndef STONECHAT_RSM_H
#define STONECHAT_RSM_H

#pragma GCC visibility push(default)

#include <stonechat/stanza.h>

#define SC_NS_RSM "http://jabber.org/protocol/rsm"

/* What was asked for. Texts are lent by the request. */
struct sc_rsm {
	int64_t max;            /* items wanted, 0 to the limit; 0: only the count (§2.7) */
	const char *after;      /* begin behind this item; NULL: at the beginning */
	const char *before;     /* end before this item; NULL: not asked; "": at the end (§2.5) */
	int64_t index;          /* begin with this item (§2.6); -1: not asked for */
};

/* `before` was given, with or without an item: the page is the last of what matches, not the first
 * (§2.3). */
static inline bool
sc_rsm_backwards(const struct sc_rsm *r)
{
	return r->before != NULL;
}

/*
 * Reads the <set/> in a query. One that asks for nothing, or is not there, means a page of
 * `standard` items; one that asks for more than `limit` gets `limit`. The arena is for texts in
 * pieces. False: bad-request (a number that is none, an element twice, an empty <after/>, <index/>
 * together with an item). `after` and `before` may come together: what lies between them.
 */
bool sc_rsm_read(struct sc_arena *, const struct sc_elem *query, int64_t standard, int64_t limit,
	struct sc_rsm *) SC_MUST_CHECK;

/* The page that is sent. */
struct sc_rsm_page {
	const char *first, *last;       /* ids; both NULL: the page is empty */
	int64_t index;                  /* place of the first one in the whole set; -1: not known */
	int64_t count;                  /* size of the whole set; -1: not known */
};

/* Adds <set/> under parent. */
void sc_rsm_add(struct sc_stanza *, struct sc_elem *parent, const struct sc_rsm_page *);

#pragma GCC visibility pop

#endif
