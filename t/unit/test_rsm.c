/* SPDX-License-Identifier: MIT */
/* rsm: what a <set/> may say, and what is said of a page. */
#include "config.h"

#include "base/arena.h"
#include "tap.h"
#include <stonechat/rsm.h>

#define STANDARD 50
#define LIMIT 100

static struct sc_arena *a;

/* The query must live as long as what was read of it. */
static struct sc_stanza *
query(const char *set)
{
	char *text = sc_format(a, "<iq type='set'><query xmlns='urn:q'>%s</query></iq>", set);

	return sc_stanza_read(text, strlen(text));
}

#define SET(in) "<set xmlns='http://jabber.org/protocol/rsm'>" in "</set>"

static void
understood(void)
{
	static const struct {
		const char *in;
		int64_t max, index;
		const char *after, *before;
	} cases[] = {
		{ "", STANDARD, -1, NULL, NULL },
		{ SET(""), STANDARD, -1, NULL, NULL },
		{ "<set xmlns='urn:other'><max>x</max></set>", STANDARD, -1, NULL, NULL },
		{ SET("<max>10</max>"), 10, -1, NULL, NULL },
		{ SET("<max>0</max>"), 0, -1, NULL, NULL },
		{ SET("<max>100</max>"), 100, -1, NULL, NULL },
		{ SET("<max>9223372036854775807</max>"), LIMIT, -1, NULL, NULL },
		{ SET("<after>x</after>"), STANDARD, -1, "x", NULL },
		{ SET("<before>x</before>"), STANDARD, -1, NULL, "x" },
		{ SET("<before/>"), STANDARD, -1, NULL, "" },
		{ SET("<after>x</after><before>y</before>"), STANDARD, -1, "x", "y" },
		{ SET("<index>371</index>"), STANDARD, 371, NULL, NULL },
		/* What answers say is not asked for. */
		{ SET("<count>x</count><first>a</first>"), STANDARD, -1, NULL, NULL },
		{ SET("<max xmlns='urn:other'>x</max>"), STANDARD, -1, NULL, NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct sc_stanza *s = query(cases[i].in);
		struct sc_rsm r;

		if (!ok(sc_rsm_read(a, sc_payload(s), STANDARD, LIMIT, &r), "understood: %s",
		    cases[i].in)) {
			sc_stanza_free(&s);
			continue;
		}
		ok(r.max == cases[i].max && r.index == cases[i].index, "numbers");
		is_text(r.after, cases[i].after, "after");
		is_text(r.before, cases[i].before, "before");
		ok(sc_rsm_backwards(&r) == (cases[i].before != NULL), "direction");
		sc_stanza_free(&s);
	}
}

static void
refused(void)
{
	static const char *const cases[] = {
		SET("<max/>"), SET("<max>-1</max>"), SET("<max> 1</max>"), SET("<max>1e3</max>"),
		SET("<max>18446744073709551616</max>"), SET("<index>-1</index>"), SET("<index/>"),
		SET("<after/>"),
		SET("<max>1</max><max>2</max>"), SET("<before/><before>x</before>"),
		SET("<index>1</index><after>x</after>"), SET("<index>1</index><before/>"),
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct sc_stanza *s = query(cases[i]);
		struct sc_rsm r;

		ok(!sc_rsm_read(a, sc_payload(s), STANDARD, LIMIT, &r), "refused: %s", cases[i]);
		sc_stanza_free(&s);
	}
}

static void
standard_above_limit(void)
{
	struct sc_rsm r;
	bool read = sc_rsm_read(a, NULL, 50, 20, &r);

	ok(read && r.max == 20, "the limit holds for the standard too");
}

static void
writing(void)
{
	static const struct { struct sc_rsm_page in; const char *want; } cases[] = {
		{ { NULL, NULL, -1, -1 }, "<set xmlns='http://jabber.org/protocol/rsm'/>" },
		{ { NULL, NULL, 0, 7 },
			SET("<count>7</count>") },
		{ { "a", "b", -1, -1 },
			SET("<first>a</first><last>b</last>") },
		{ { "a<", "a<", 371, 800 }, SET("<first index='371'>a&lt;</first><last>a&lt;</last>"
			"<count>800</count>") },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct sc_stanza *s = sc_stanza_new(SC_IQ, SC_TYPE_RESULT, NULL, NULL, NULL);
		char want[400];

		sc_rsm_add(s, sc_stanza_root(s), &cases[i].in);
		snprintf(want, sizeof want, "<iq type='result'>%s</iq>", cases[i].want);
		is_text(sc_stanza_text(a, s, NULL), want, "page %zu", i);
		sc_stanza_free(&s);
	}
}

int
main(void)
{
	a = arena_new();
	understood();
	refused();
	standard_above_limit();
	writing();
	arena_free(a);
	arena_thread_done();
	return done_testing();
}
