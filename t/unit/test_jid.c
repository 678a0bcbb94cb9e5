/* SPDX-License-Identifier: MIT */
/* jid: RFC 7622 with its examples, PRECIS, IDNA, limits, and the parts. */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "tap.h"
#include <stonechat/jid.h>

static const struct { const char *in, *want, *why; } cases[] = {
	/* RFC 7622 table 1 */
	{ "juliet@example.com", "juliet@example.com", "plain" },
	{ "juliet@example.com/foo", "juliet@example.com/foo", "with resource" },
	{ "juliet@example.com/foo bar", "juliet@example.com/foo bar", "space in a resource" },
	{ "juliet@example.com/foo@bar", "juliet@example.com/foo@bar", "'@' in a resource" },
	{ "foo\\20bar@example.com", "foo\\20bar@example.com", "XEP-0106 is the client's" },
	{ "fussball@example.com", "fussball@example.com", "another bare JID" },
	{ "fu\u00dfball@example.com", "fu\u00dfball@example.com", "sharp s stays" },
	{ "\u03c0@example.com", "\u03c0@example.com", "pi" },
	{ "\u03a3@example.com/foo", "\u03c3@example.com/foo", "capital sigma is lowered" },
	{ "\u03c3@example.com/foo", "\u03c3@example.com/foo", "small sigma" },
	{ "\u03c2@example.com/foo", "\u03c2@example.com/foo", "final sigma stays" },
	{ "king@example.com/\u265a", "king@example.com/\u265a", "symbol in a resource" },
	{ "example.com", "example.com", "a domain" },
	{ "example.com/foobar", "example.com/foobar", "domain and resource" },
	{ "a.example.com/b@example.net", "a.example.com/b@example.net", "'@' after the slash" },
	/* table 2 */
	{ "\"juliet\"@example.com", NULL, "quotation marks" },
	{ "foo bar@example.com", NULL, "space in a localpart" },
	{ "juliet@example.com/ foo", "juliet@example.com/ foo", "leading space in a resource" },
	{ "@example.com/", NULL, "empty localpart and resource" },
	{ "@example.com", NULL, "empty localpart" },
	{ "henry\u2163@example.com", NULL, "Roman numeral four" },
	{ "\u265a@example.com", NULL, "symbol in a localpart" },
	{ "juliet@", NULL, "empty domain" },
	{ "/foobar", NULL, "only a resource" },
	{ "juliet@example.com/", NULL, "empty resource" },
	{ "", NULL, "nothing" }, { "@", NULL, "only a sign" }, { "/", NULL, "only a slash" },

	{ "Juliet@Example.ORG/Balcony", "juliet@example.org/Balcony", "a resource keeps its case" },
	{ "juliet@example.org/a/b", "juliet@example.org/a/b", "slash in a resource" },
	{ "a@b@c", NULL, "two signs" },
	{ "a&b@c", NULL, "&" }, { "a'b@c", NULL, "'" }, { "a:b@c", NULL, ":" },
	{ "a<b@c", NULL, "<" },
	{ "a>b@c", NULL, ">" }, { "a\"@c", NULL, "\"" },
	{ "a\uff02@c", NULL, "full-width quotation mark" },
	{ "a\uff20b@c", NULL, "full-width '@'" },
	{ "\uff2a\uff55liet@example.org", "juliet@example.org", "full-width letters" },
	{ "a\x01@c", NULL, "control" }, { "a@c/\x01", NULL, "control in a resource" },
	{ "a@c/\x7f", NULL, "DEL in a resource" },
	{ "a\xff@c", NULL, "not UTF-8" }, { "a@c/\xff", NULL, "not UTF-8 in a resource" },
	{ "a@\xff", NULL, "not UTF-8 in a domain" },
	{ "a@c/\xc0\x80", NULL, "overlong NUL" }, { "a@c/\xed\xa0\x80", NULL, "surrogate" },
	{ "a\u200b@c", NULL, "zero width space" }, { "a\u00ad@c", NULL, "soft hyphen" },
	{ "a@c/\u200b", NULL, "zero width space in a resource" },
	{ "a@c/\u202e", NULL, "right-to-left override in a resource" },
	{ "a@c/x\u00a0y", "a@c/x y", "no-break space becomes a space" },
	{ "a@c/x\u3000y", "a@c/x y", "ideographic space becomes a space" },
	{ "a@c/e\u0301", "a@c/\u00e9", "NFC in a resource" },
	{ "e\u0301@c", "\u00e9@c", "NFC in a localpart" },
	{ "\u00c9@c", "\u00e9@c", "case in a localpart" },
	{ "\u212b@c", NULL, "Angstrom sign has a compatibility form" },
	{ "a@c/\u2163", "a@c/\u2163", "compatibility form in a resource" },
	{ "a@c/\U0001f600", "a@c/\U0001f600", "emoji in a resource" },
	{ "\U0001f600@c", NULL, "emoji in a localpart" },
	{ "a@c/\ue000", NULL, "private use" }, { "a@c/\U000e0001", NULL, "language tag" },
	{ "a@c/\ufdd0", NULL, "noncharacter" },
	{ "a@c/\u1100", NULL, "old Hangul jamo" },
	{ "l\u00b7l@c", "l\u00b7l@c", "middle dot between l" },
	{ "a\u00b7a@c", NULL, "middle dot elsewhere" },
	{ "\u30fb@c", NULL, "katakana middle dot alone" },
	{ "\u30a2\u30fb\u30a2@c", "\u30a2\u30fb\u30a2@c", "katakana middle dot among katakana" },
	{ "\u0375\u03b1@c", "\u0375\u03b1@c", "keraia before Greek" },
	{ "\u0375a@c", NULL, "keraia" },
	{ "\u05d0\u05f3@c", "\u05d0\u05f3@c", "geresh after Hebrew" },
	{ "a\u05f3@c", NULL, "geresh" },
	{ "\u0915\u094d\u200d@c", "\u0915\u094d\u200d@c", "joiner after virama" },
	{ "a\u200d@c", NULL, "joiner" }, { "a\u200cb@c", NULL, "non-joiner" },
	{ "\u0627\u0660@c", "\u0627\u0660@c", "Arabic digits" },
	{ "\u0627\u0660\u06f0@c", NULL, "two kinds of Arabic digits" },
	{ "\u05d0@c", "\u05d0@c", "Hebrew" }, { "\u05d0a@c", NULL, "Hebrew and Latin: bidi rule" },
	{ "a\u05d0@c", NULL, "Latin and Hebrew: bidi rule" },
	{ "\u05d01@c", "\u05d01@c", "Hebrew and a digit" },
	{ "1\u05d0@c", NULL, "a digit and Hebrew" },
	{ "a@c/a\u05d0", "a@c/a\u05d0", "no bidi rule in a resource" },
	{ "\u0149@c", NULL, "n preceded by apostrophe" },
	{ "1234567890@c", "1234567890@c", "a phone number" },
	{ "+491701234567@c", "+491701234567@c", "with its plus" },

	{ "example.com.", "example.com", "trailing dot" }, { "a@b.c./r", "a@b.c/r",
		"and resource" },
	{ ".", NULL, "only a dot" }, { "a..b", NULL, "empty label" }, { ".a", NULL, "leading dot" },
	{ "a..", NULL, "two trailing dots" },
	{ "-a.b", NULL, "leading hyphen" }, { "a-.b", NULL, "trailing hyphen" },
	{ "a-b.c", "a-b.c", "hyphen" }, { "a_b.c", NULL, "underscore" }, { "a b.c", NULL, "space" },
	{ "b\u00fccher.example", "b\u00fccher.example", "U-label" },
	{ "B\u00dcCHER.Example", "b\u00fccher.example", "U-label in capitals" },
	{ "xn--bcher-kva.example", "b\u00fccher.example", "A-label" },
	{ "XN--BCHER-KVA.example", "b\u00fccher.example", "A-label in capitals" },
	{ "xn--bcher-kva", "b\u00fccher", "A-label alone" },
	{ "xn--a.example", NULL, "not an A-label" }, { "xn--.example", NULL, "empty A-label" },
	{ "xn--abc-.example", NULL, "A-label of ASCII" },
	{ "xn--cberhkva.example", NULL, "A-label of capital Cherokee letters" },
	{ "fa\u00df.de", "fa\u00df.de", "sharp s in a domain" },
	{ "\u2603.net", NULL, "snowman is no IDNA2008" },
	{ "\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "\u4f8b\u3048.\u30c6\u30b9\u30c8",
		"ideographic full stop" },
	{ "\uff45xample\uff0ecom", "example.com", "full-width domain" },
	{ "\u05d0\u05d1.example", "\u05d0\u05d1.example", "Hebrew domain" },
	{ "\u05d0a.example", NULL, "bidi rule in a domain" },
	{ "192.0.2.1", "192.0.2.1", "IPv4" },
	{ "[2001:DB8::1]", "[2001:db8::1]", "IPv6" }, { "a@[::1]/r", "a@[::1]/r",
		"IPv6 and parts" },
	{ "[::1", NULL, "unclosed" }, { "[::1]x", NULL, "bytes behind" },
	{ "[v1.x]", NULL, "IPvFuture" },
	{ "[]", NULL, "empty brackets" }, { "[fe80::1%eth0]", NULL, "zone" },
	{ "::1", NULL, "bare IPv6" },
};

static void
examples(struct sc_arena *a)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		const struct sc_jid *jid = sc_jid(a, cases[i].in), *again;

		is_text(jid == NULL ? NULL : jid->text, cases[i].want, "%s: %s", cases[i].why,
			cases[i].in);
		if (jid == NULL)
			continue;
		again = sc_jid(a, jid->text);
		if (again == NULL || !sc_jid_same(jid, again))
			ok(false, "and preparing it again changes nothing");
	}
}

/* n copies of text, in the arena. */
static char *
times(struct sc_arena *a, const char *text, size_t n)
{
	size_t len = strlen(text);
	char *all = sc_alloc(a, len * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	return all;
}

static void
limits(struct sc_arena *a)
{
	char *x1023 = times(a, "x", 1023), *x1024 = times(a, "x", 1024);
	char *x63 = times(a, "x", 63), *x64 = times(a, "x", 64);
	char *e511 = times(a, "\u00e9", 511), *e512 = times(a, "\u00e9", 512);
	char *wide1023 = times(a, "\uff38", 1023), *wide1024 = times(a, "\uff38", 1024);
	char *domain1023 = times(a, "xxxxxxx.", 127), *domain = sc_format(a, "%sxxxxxxx",
		domain1023);

	ok(sc_jid(a, sc_format(a, "%s@c/%s", x1023, x1023)) != NULL, "parts of 1,023 bytes");
	ok(sc_jid(a, sc_format(a, "%s@c", x1024)) == NULL, "localpart of 1,024");
	ok(sc_jid(a, sc_format(a, "c/%s", x1024)) == NULL, "resource of 1,024");
	ok(sc_jid(a, sc_format(a, "%s@c", e511)) != NULL,
		"localpart of 1,022 in two-byte characters");
	ok(sc_jid(a, sc_format(a, "%s@c", e512)) == NULL,
		"localpart of 1,024 in two-byte characters");
	ok(sc_jid(a, sc_format(a, "c/%s", e512)) == NULL, "resource likewise");
	is_text(sc_jid(a, sc_format(a, "%s@c", wide1023))->text, sc_format(a, "%s@c", x1023),
		"full-width letters count after mapping");
	ok(sc_jid(a, sc_format(a, "%s@c", wide1024)) == NULL, "and may be too many");
	ok(sc_jid(a, x63) != NULL, "label of 63");
	ok(sc_jid(a, x64) == NULL, "label of 64");
	is_int(strlen(domain), 1023, "(a domain of 1,023 bytes)");
	ok(sc_jid(a, domain) != NULL, "is allowed");
	ok(sc_jid(a, sc_format(a, "%s.", domain)) != NULL, "with its trailing dot too");
	ok(sc_jid(a, sc_format(a, "x.%s", domain)) == NULL, "a longer one is not");
	ok(sc_jid(a, sc_format(a, "%s@%s/%s", x1023, domain, x1023)) != NULL, "all at once");
	ok(sc_jid(a, times(a, "\u00e9", 5000)) == NULL, "10,000 bytes");
	ok(sc_jid_n(a, "a\0b@c", 5) == NULL, "NUL in a localpart");
	ok(sc_jid_n(a, "a@c\0d", 5) == NULL, "NUL in a domain");
	ok(sc_jid_n(a, "a@\xc3\xa9\0d", 6) == NULL, "NUL in a U-label");
	ok(sc_jid_n(a, "a@c/\0", 5) == NULL, "NUL in a resource");
	ok(sc_jid_n(a, NULL, 0) == NULL, "no bytes");
	ok(sc_jid(a, NULL) == NULL, "no text");
}

static void
parts(struct sc_arena *a)
{
	const struct sc_jid *full = sc_jid(a, "romeo@example.org/orchard"),
		*host = sc_jid(a, "example.org");
	const struct sc_jid *bare = sc_jid_bare(a, full), *at_host = sc_jid(a, "example.org/x");

	ok(sc_span_is(sc_jid_local(full), "romeo"), "local");
	ok(sc_span_is(sc_jid_domain(full), "example.org"), "domain");
	ok(sc_span_is(sc_jid_resource(full), "orchard"), "resource");
	ok(sc_span_is(sc_jid_bare_span(full), "romeo@example.org"), "bare span");
	ok(sc_span_is(sc_jid_span(full), "romeo@example.org/orchard"), "span");
	is_int(sc_jid_local(host).n, 0, "no local");
	is_int(sc_jid_resource(host).n, 0, "no resource");
	ok(sc_span_is(sc_jid_domain(at_host), "example.org"), "domain without local");
	ok(sc_span_is(sc_jid_resource(at_host), "x"), "resource without local");
	is_text(bare->text, "romeo@example.org", "bare");
	ok(sc_jid_bare(a, bare) == bare, "bare of bare is itself");
	ok(bare->bare_hash == full->bare_hash, "the hash is that of the bare JID");
	ok(sc_jid_same_bare(full, bare) && !sc_jid_same(full, bare), "same bare, not same");
	ok(!sc_jid_same(NULL, NULL) && !sc_jid_same(full, NULL), "NULL equals nothing");
	ok(sc_jid_is_bare(bare) && !sc_jid_is_bare(full), "is_bare");
	ok(sc_jid_is_domain(at_host) && !sc_jid_is_domain(full), "is_domain");
	is_text(sc_jid_with(a, full, "e\u0301")->text, "romeo@example.org/\u00e9",
		"with is prepared");
	ok(sc_jid_with(a, full, "") == NULL, "with nothing");
	ok(sc_jid_same(sc_jid_dup(a, full), full), "dup");
	ok(sc_jid_same(sc_jid_of(a, sc_span("romeo"), sc_span("example.org"), sc_span("orchard")),
	full), "of");
	is_text(sc_jid_of(a, sc_span(NULL), sc_span("x"), sc_span(""))->text, "x",
	"of parts left out");
	is_text(sc_prepare_local(a, "JULIET", 6), "juliet", "prepare_local");
	is_text(sc_prepare_domain(a, "X.", 2), "x", "prepare_domain");
	is_text(sc_prepare_resource(a, "A B", 3), "A B", "prepare_resource");
	is_text(sc_prepare_password(a, "p\u00a0w", 4), "p w", "prepare_password");
	ok(sc_prepare_password(a, "", 0) == NULL, "empty password");
	ok(sc_prepare_password(a, "a\0b", 3) == NULL, "password with NUL");
}

int
main(void)
{
	struct sc_arena *a = arena_new();

	examples(a);
	limits(a);
	parts(a);
	arena_free(a);
	arena_thread_done();
	return done_testing();
}
