/* SPDX-License-Identifier: MIT */
/*
 * fuzz_xml: bytes of a stream. Whatever they are, the events do not depend on the pieces in
 * which the bytes come, and what was read is written so that it reads back as the same.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/budget.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"
#include <stonechat/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct xml_limits limits = { 8192, 1024, 16, 8, 6, 64 };
static const char opening[] = "<stream:stream xmlns='jabber:client' xmlns:x='urn:x' xml:lang='en' "
	"xmlns:stream='http://etherx.jabber.org/streams'>";

static void
write_back(struct buf *out, struct sc_elem *root)
{
	struct sc_arena *again;
	struct sc_elem *back;
	struct buf text = { 0 }, second = { 0 };

	xml_write(&text, root, SC_NS_CONTENT);
	sc_assert(xml_read(text.p, text.n, &again, &back));
	xml_write(&second, back, SC_NS_CONTENT);
	sc_assert(text.n == second.n && memcmp(text.p, second.p, text.n) == 0);
	buf_add(out, text.p, text.n);
	buf_text(out, "|");
	buf_free(&text);
	buf_free(&second);
	arena_free(again);
}

static void
as_stanza(struct sc_arena *arena, struct sc_elem *root)
{
	struct sc_stanza *s = stanza_from_tree(arena, root), *error;
	bool bad_from, bad_to;
	struct buf out = { 0 };

	if (stanza_addresses(s, &bad_from, &bad_to)) {
		error = sc_error_to(s, SC_COND_FORBIDDEN, "x");
		sc_stanza_free(&error);
	}
	sc_seal(s);
	stanza_splice(&out, s, sc_span(sc_to(s) == NULL ? NULL : sc_to(s)->text),
		SC_SPAN("<y/>"), true);
	buf_free(&out);
	sc_stanza_free(&s);
}

/* seed 0: all at once, which is quick.c's; 1: byte by byte, which is expat's; else pieces of any
 * size and a parser that is taken away now and then. */
static void
events(struct buf *out, const uint8_t *bytes, size_t n, bool opened, unsigned seed)
{
	struct xml_in *in = xml_in_new(&limits);
	struct sc_arena *arena;
	struct sc_elem *root;
	enum xml_event event = XML_MORE;
	size_t at = 0;

	if (opened) {
		xml_in_feed(in, opening, sizeof(opening) - 1);
		sc_assert(xml_next(in, &arena, &root) == XML_HEADER);
	}
	while (at < n && event != XML_BAD) {
		size_t part = seed == 0 ? n : seed == 1 ? 1 : 1 + seed % 13;

		if (seed > 1)
			seed = seed * 1103515245 + 12345;
		if (part > n - at)
			part = n - at;

		char *copy = malloc(part);

		memcpy(copy, bytes + at, part);
		xml_in_feed(in, copy, part);
		at += part;
		while ((event = xml_next(in, &arena, &root)) != XML_MORE && event != XML_BAD) {
			buf_format(out, "%d:", event);
			if (event == XML_STANZA) {
				write_back(out, root);
				as_stanza(arena, root);
			}
		}
		free(copy);
		if (seed % 7 == 3)
			xml_in_idle(in);
		if (seed % 11 == 3)
			xml_in_detach(in);
	}
	xml_in_free(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	for (int opened = 0; opened < 2; opened++) {
		struct buf whole = { 0 }, pieces = { 0 };

		events(&whole, bytes, n, opened, 0);
		for (unsigned seed = 1; seed < 4; seed++) {
			pieces.n = 0;
			events(&pieces, bytes, n, opened, seed);
			/* An error inside an unfinished element is told sooner or later, so it
			 * is no event. */
			sc_assert(whole.n == pieces.n);
			sc_assert(whole.n == 0 || memcmp(whole.p, pieces.p, whole.n) == 0);
		}
		buf_free(&whole);
		buf_free(&pieces);
	}
	xml_thread_done();
	stanza_thread_done();
	sc_assert(budget_sum(BUDGET_INPUT) == 0 && budget_sum(BUDGET_STANZAS) == 0);
	return 0;
}
