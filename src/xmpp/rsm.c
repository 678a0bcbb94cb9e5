/* SPDX-License-Identifier: MIT */
/* rsm: reading and writing <set/> (XEP-0059). */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stonechat/rsm.h>

/* The schema has each of them at most once. */
static bool
is_twice(const struct sc_elem *set, const char *name)
{
	int n = 0;

	for (const struct sc_elem *e = sc_first(set); e != NULL; e = sc_next(e))
		n += sc_is(e, SC_NS_RSM, name);
	return n > 1;
}

/* Above the limit is no mistake: who wants more gets what there is. */
static bool
read_max(const char *text, int64_t limit, int64_t *max)
{
	uint64_t n;

	if (!sc_read_number(text, INT64_MAX, &n))
		return false;
	*max = n > (uint64_t)limit ? limit : (int64_t)n;
	return true;
}

static bool
read_index(const char *text, int64_t *index)
{
	uint64_t n;

	if (!sc_read_number(text, INT64_MAX, &n))
		return false;
	*index = (int64_t)n;
	return true;
}

static bool
read_one(struct sc_arena *arena, const struct sc_elem *e, int64_t limit, struct sc_rsm *r)
{
	const char *text = sc_text_in(arena, e);

	if (sc_is(e, SC_NS_RSM, "max"))
		return read_max(text, limit, &r->max);
	if (sc_is(e, SC_NS_RSM, "index"))
		return read_index(text, &r->index);
	if (sc_is(e, SC_NS_RSM, "before"))
		r->before = text;
	if (sc_is(e, SC_NS_RSM, "after"))
		r->after = text;
	return true;
}

bool
sc_rsm_read(struct sc_arena *arena, const struct sc_elem *query, int64_t standard, int64_t limit,
	struct sc_rsm *r)
{
	static const char *const names[] = { "max", "index", "before", "after" };
	const struct sc_elem *set = sc_child(query, SC_NS_RSM, "set");

	*r = (struct sc_rsm){ .max = standard < limit ? standard : limit, .index = -1 };
	if (set == NULL)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is_twice(set, names[i]))
			return false;
	for (const struct sc_elem *e = sc_first(set); e != NULL; e = sc_next(e))
		if (!read_one(arena, e, limit, r))
			return false;
	if (r->after != NULL && *r->after == '\0')
		return false;
	return r->index < 0 || (r->after == NULL && r->before == NULL);
}

static const char *
number(char out[24], int64_t n)
{
	snprintf(out, 24, "%" PRId64, n);
	return out;
}

void
sc_rsm_add(struct sc_stanza *s, struct sc_elem *parent, const struct sc_rsm_page *p)
{
	struct sc_elem *set = sc_add(s, parent, SC_NS_RSM, "set"), *first;
	char text[24];

	if (p->first != NULL) {
		first = sc_add_with_text(s, set, NULL, "first", p->first);
		if (p->index >= 0)
			sc_set_attr(s, first, "index", number(text, p->index));
		sc_add_with_text(s, set, NULL, "last", p->last);
	}
	if (p->count >= 0)
		sc_add_with_text(s, set, NULL, "count", number(text, p->count));
}
