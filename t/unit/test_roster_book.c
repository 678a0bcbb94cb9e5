/* SPDX-License-Identifier: MIT */
/* The roster in memory: order, replacing, names of groups, packing, and what a contact costs. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "roster/roster_book.h"
#include "tap.h"

static struct sc_jid
jid(const char *text)
{
	const char *at = strchr(text, '@');
	size_t n = strlen(text);

	return (struct sc_jid){ .text = text, .local_len = (uint16_t)(at != NULL ? at - text : 0),
		.domain_len = (uint16_t)(at != NULL ? n - (size_t)(at - text) - 1 : n),
		.bare_hash = (uint32_t)n };
}

static void
put(struct book *b, const char *text, unsigned bits, int64_t version, const char *name,
	const char *group)
{
	struct sc_jid j = jid(text);
	struct sc_span groups[2] = { sc_span(group), SC_SPAN("All") };

	book_put(b, &j, bits, version, sc_span(name), groups, group != NULL ? 2 : 0);
}

static void
mark(struct book *b, const char *text, unsigned bits, int64_t version)
{
	struct sc_jid j = jid(text);

	book_mark(b, &j, bits, version);
}

static bool
sorted(const struct book *b)
{
	for (uint32_t i = 1; i < b->n; i++)
		if (strcmp(book_at(b, i - 1)->text, book_at(b, i)->text) >= 0)
			return false;
	return true;
}

static void
try_life(void)
{
	const struct sc_span friends = SC_SPAN("Friends"), lovers = SC_SPAN("Lovers");
	struct book b = { 0 };
	const struct contact *c;
	struct sc_jid view;

	put(&b, "romeo@example.net", CONTACT_LISTED | SC_SUB_BOTH, 5, "Romeo", "Friends");
	put(&b, "juliet@example.com", CONTACT_LISTED, 6, "", "Friends");
	put(&b, "example.org", CONTACT_LISTED | SC_SUB_TO, 7, NULL, NULL);
	ok(b.n == 3 && sorted(&b) && b.n_listed == 3 && b.version == 7, "three contacts in order");
	ok(b.groups_named == 2, "a group's name is kept once");

	c = book_find(&b, SC_SPAN("romeo@example.net"));
	ok(c != NULL && sc_span_is(book_name(c), "Romeo") && c->n_groups == 2 &&
		strcmp(book_group(&b, c, 0), "Friends") == 0, "found, with name and groups");
	view = book_jid(c);
	ok(view.local_len == 5 && view.domain_len == 11 && view.resource_len == 0 &&
		view.bare_hash == 17 && strcmp(view.text, "romeo@example.net") == 0, "as a JID");
	c = book_find(&b, SC_SPAN("example.org"));
	ok(c != NULL && book_name(c).n == 0 && book_jid(c).domain_len == 11,
		"a domain is a contact too");
	ok(book_find(&b, SC_SPAN("romeo@example.ne")) == NULL &&
		book_find(&b, SC_SPAN("zoe@example.net")) == NULL, "others are not found");

	put(&b, "romeo@example.net", CONTACT_LISTED | SC_SUB_BOTH, 8, "My Romeo", "Lovers");
	c = book_find(&b, SC_SPAN("romeo@example.net"));
	ok(b.n == 3 && sc_span_is(book_name(c), "My Romeo") &&
		strcmp(book_group(&b, c, 0), "Lovers") == 0 && c->version == 8, "replaced");
	put(&b, "juliet@example.com", CONTACT_LISTED, 9, "Juliet", NULL);
	ok(b.groups_named == 2, "the name that nobody uses is gone");
	ok(!book_groups_fit(&b, &friends, 1, 2) && book_groups_fit(&b, &lovers, 1, 2),
		"and a new one would be too many where two may be");

	mark(&b, "juliet@example.com", CONTACT_LISTED | CONTACT_ASKED, 10);
	c = book_find(&b, SC_SPAN("juliet@example.com"));
	ok((c->bits & CONTACT_ASKED) && sc_span_is(book_name(c), "Juliet"),
		"a mark keeps the name");
	mark(&b, "tybalt@example.net", CONTACT_ASKING_US, 0);
	ok(b.n == 4 && b.n_listed == 3 && b.n_asking == 1 && b.version == 10,
		"who only asks is in the book, not on the roster");
	mark(&b, "tybalt@example.net", 0, 0);
	ok(b.n == 3 && b.n_asking == 0, "and is dropped when that is over");

	put(&b, "juliet@example.com", CONTACT_GONE, 11, NULL, NULL);
	ok(b.n == 3 && b.n_listed == 2 && b.n_gone == 1, "a removal stays as such");
	book_forget(&b, 10);
	ok(b.n == 3 && b.horizon == 10, "it is later than the horizon");
	book_forget(&b, 11);
	ok(b.n == 2 && b.n_gone == 0 && b.horizon == 11 && b.version == 11,
		"and then it is forgotten");
	book_free(&b);
	ok(b.n == 0 && b.heap == NULL, "freed");
}

/* Many changes against the plainest model. */
static void
try_many(void)
{
	enum { PEOPLE = 300, CHANGES = 20000 };
	static struct { bool there; int name; } model[PEOPLE];
	struct book b = { 0 };
	char text[64], name[64];
	unsigned seed = 1;
	bool right = true;
	int there = 0;

	for (int i = 0; i < CHANGES; i++) {
		int who = (int)((seed = seed * 1103515245U + 12345U) >> 16) % PEOPLE;

		snprintf(text, sizeof text, "user%d@example.org", who);
		snprintf(name, sizeof name, "%.*s%d", i % 40,
			"a name that is now long and now is short", i);
		if (i % 3 == 0 && model[who].there)
			mark(&b, text, 0, i);
		else
			put(&b, text, CONTACT_LISTED | (unsigned)(i % 4), i, name,
				i % 2 ? "Odd" : "Even");
		model[who].there = !(i % 3 == 0 && model[who].there);
		model[who].name = i;
	}
	for (int who = 0; who < PEOPLE; who++) {
		const struct contact *c;

		snprintf(text, sizeof text, "user%d@example.org", who);
		c = book_find(&b, sc_span(text));
		snprintf(name, sizeof name, "%.*s%d", model[who].name % 40,
			"a name that is now long and now is short", model[who].name);
		right = right && (c != NULL) == model[who].there &&
			(c == NULL || (sc_span_is(book_name(c), name) &&
			strcmp(book_group(&b, c, 0), model[who].name % 2 ? "Odd" : "Even") == 0));
		there += c != NULL;
	}
	ok(right && (int)b.n == there && sorted(&b), "%d changes later all is as it should be",
		CHANGES);
	ok(b.dead <= b.used / 4 + 256, "no more than a quarter is dead");
	book_free(&b);
}

/* design §12: 64 bytes per contact of an online account. */
static void
try_size(void)
{
	enum { PEOPLE = 5000 };
	struct book b = { 0 };
	char text[64], name[64];
	uint32_t bytes = 0;

	for (int i = 0; i < PEOPLE; i++)
		bytes += book_block_size(strlen("user0000@example.org"), strlen("User 0000"), 2);
	book_reserve(&b, PEOPLE, bytes);
	for (int i = 0; i < PEOPLE; i++) {
		snprintf(text, sizeof text, "user%04d@example.org", i);
		snprintf(name, sizeof name, "User %04d", i);
		put(&b, text, CONTACT_LISTED | SC_SUB_BOTH, i, name, "Friends");
	}
	ok(b.used == bytes && b.size == bytes && b.room == PEOPLE,
		"a book that is filled from rows has no slack");
	ok((b.size + b.room * sizeof *b.index) / PEOPLE <= 64,
		"a contact with a name and two groups costs %zu bytes",
		(size_t)(b.size + b.room * sizeof *b.index) / PEOPLE);
	book_free(&b);
}

int
main(void)
{
	try_life();
	try_many();
	try_size();
	return done_testing();
}
