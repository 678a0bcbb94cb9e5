/* SPDX-License-Identifier: MIT */
/* xml_in: the same events whatever the pieces the bytes come in; every limit; every refusal. */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/budget.h"
#include "tap.h"
#include "xml/xml.h"

#define CLIENT "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>"
#define SERVER "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' " \
	"xmlns:stream='http://etherx.jabber.org/streams' from='a.example' xml:lang='de'>"

static const struct xml_limits limits = { 4096, 1024, 8, 4, 3, 20 };

static const char *const error_names[] = {
	[XML_NOT_WELL_FORMED] = "not-well-formed", [XML_RESTRICTED] = "restricted",
	[XML_BAD_PREFIX] = "bad-prefix", [XML_BAD_ENCODING] = "bad-encoding",
	[XML_TOO_BIG] = "too-big", [XML_BAD_FORMAT] = "bad-format",
};

/* Events as text: H for a header, the element itself, F, or ! and the error. */
static void
drain(struct xml_in *in, struct buf *out)
{
	struct sc_arena *arena;
	struct sc_elem *root;

	for (;;) {
		switch (xml_next(in, &arena, &root)) {
		case XML_MORE:
			return;
		case XML_HEADER:
			buf_text(out, "H ");
			break;
		case XML_STANZA:
			xml_write(out, root, SC_NS_CONTENT);
			buf_text(out, " ");
			arena_free(arena);
			break;
		case XML_FOOTER:
			buf_text(out, "F ");
			break;
		case XML_BAD:
			buf_format(out, "!%s", error_names[xml_error(in)]);
			return;
		}
	}
}

/* Feeds pieces of `step` bytes from memory that is gone afterwards; yours. */
static char *
events(const char *input, size_t n, size_t step, bool idle, bool framed)
{
	struct xml_in *in = xml_in_new(&limits);
	struct buf out = { 0 };

	if (framed)
		xml_in_framed(in);
	for (size_t at = 0; at < n; at += step) {
		size_t part = n - at < step ? n - at : step;
		char *copy = malloc(part);

		memcpy(copy, input + at, part);
		xml_in_feed(in, copy, part);
		drain(in, &out);
		free(copy);
		if (idle)
			xml_in_idle(in);
		if (out.n > 0 && memchr(out.p, '!', out.n) != NULL)
			break;
	}
	buf_add(&out, "", 1);
	xml_in_free(&in);
	return out.p;
}

#define PAD1024 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct { const char *name, *in, *want; } cases[] = {
	{ "header", CLIENT, "H " },
	{ "whitespace before the header", " \r\n" CLIENT, "H " },
	{ "a stanza", CLIENT "<message to='x'><body>hi</body></message>",
		"H <message to='x'><body>hi</body></message> " },
	{ "whole life", CLIENT "<presence/> \n <iq id='1'/></stream:stream>",
		"H <presence/> <iq id='1'/> F " },
	{ "footer with space", CLIENT "</stream:stream \n>", "H F " },
	{ "empty root", "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>",
		"H F " },
	{ "nothing counts after the footer", CLIENT "</stream:stream><!DOCTYPE x>", "H F " },
	{ "wrong footer", CLIENT "</stream:strean>", "H !not-well-formed" },
	{ "footer of the synthetic root", CLIENT "</s>", "H !not-well-formed" },
	{ "footer that goes on", CLIENT "</stream:streams>", "H !not-well-formed" },
	{ "footer inside", CLIENT "<a></stream:stream>", "H !not-well-formed" },
	{ "synthetic root closed inside", CLIENT "<a></a></s>", "H <a/> !not-well-formed" },
	{ "text, entities, CDATA", CLIENT "<a>&lt;&#65;&#x42;<![CDATA[<b>&lt;]]]>]c</a>",
		"H <a>&lt;AB&lt;b&gt;&amp;lt;]]c</a> " },
	{ "attributes are escaped", CLIENT "<a b='&#9;&#10;&#13;&quot;&apos;&lt;'/>",
		"H <a b='&#x9;&#xA;&#xD;&quot;&apos;&lt;'/> " },
	{ "carriage return in text", CLIENT "<a>x&#13;\r\ny</a>", "H <a>x&#xD;\ny</a> " },
	{ "angle in a quoted value", CLIENT "<a b='>'><c d=\"/>\"/></a>",
		"H <a b='&gt;'><c d='/&gt;'/></a> " },
	{ "prefix of the header", CLIENT "<stream:error/>",
		"H <error xmlns='http://etherx.jabber.org/streams'/> " },
	{ "own prefix", CLIENT "<x:a xmlns:x='urn:x'><x:b/><c/></x:a>",
		"H <a xmlns='urn:x'><b/><c xmlns='jabber:client'/></a> " },
	{ "prefixed attribute", CLIENT "<a xmlns:x='urn:x' x:y='1' xml:lang='en'/>",
		"H <a xmlns:a0='urn:x' a0:y='1' xml:lang='en'/> " },
	{ "namespace undone", CLIENT "<a xmlns=''/>", "H <a xmlns=''/> " },
	{ "server stanzas are content", SERVER "<message xml:lang='en'><body>x</body></message>",
		"H <message xml:lang='en'><body>x</body></message> " },
	{ "the stream's language is added", SERVER "<message/><db:result/>",
		"H <message xml:lang='de'/> <result xmlns='jabber:server:dialback'/> " },
	{ "client stanza on a server stream", SERVER "<message xmlns='jabber:client'/>",
		"H <message xmlns='urn:stonechat:foreign-content'/> " },
	{ "forwarded client stanza on a server stream", SERVER
		"<iq><f xmlns='urn:f'><message xmlns='jabber:client'/></f></iq>",
		"H <iq xml:lang='de'><f xmlns='urn:f'><message xmlns='jabber:client'/></f></iq> " },
	{ "server stanza on a client stream", CLIENT "<message xmlns='jabber:server'/>",
		"H <message xmlns='jabber:server'/> " },
	{ "component", "<stream:stream xmlns='jabber:component:accept' "
		"xmlns:stream='http://etherx.jabber.org/streams'><message/>", "H <message/> " },
	{ "content of an unknown stream", "<s:s xmlns='urn:x' xmlns:s='urn:s'><message/>"
		"<message xmlns='jabber:client'/>", "H <message xmlns='urn:x'/> "
		"<message xmlns='urn:stonechat:foreign-content'/> " },

	{ "HTTP", "GET / HTTP/1.1\r\n", "!not-well-formed" },
	{ "byte order mark", "\xef\xbb\xbf" CLIENT, "!not-well-formed" },
	{ "UTF-16", "\xff\xfe<\0", "!bad-encoding" },
	{ "encoding", "<?xml version='1.0' encoding='ISO-8859-1'?><a>", "!bad-encoding" },
	{ "encoding UTF-8", "<?xml version='1.0' encoding='utf-8'?><a>", "H " },
	{ "declaration with a line break", "<?xml\nversion='1.0'?>\n<a>", "H " },
	{ "DOCTYPE", "<!DOCTYPE x [<!ENTITY a 'b'>]><a>", "!restricted" },
	{ "DOCTYPE after the declaration", "<?xml version='1.0'?><!DOCTYPE x><a>", "!restricted" },
	{ "PI before the header", "<?php x?><a>", "!restricted" },
	{ "two roots' tags", "<a b='<c>'>", "!not-well-formed" },
	{ "comment", CLIENT "<!-- x -->", "H !restricted" },
	{ "comment inside", CLIENT "<a><!-- x --></a>", "H !restricted" },
	{ "PI", CLIENT "<?x y?>", "H !restricted" },
	{ "PI inside", CLIENT "<a><?x y?></a>", "H !restricted" },
	{ "second declaration", CLIENT "<?xml version='1.0'?>", "H !restricted" },
	{ "DOCTYPE inside", CLIENT "<a><!DOCTYPE x></a>", "H !restricted" },
	{ "entity", CLIENT "<a>&foo;</a>", "H !restricted" },
	{ "entity in an attribute", CLIENT "<a b='&foo;'/>", "H !restricted" },
	{ "CDATA between stanzas", CLIENT "<![CDATA[x]]>", "H !not-well-formed" },
	{ "text between stanzas", CLIENT "<a/>x<b/>", "H <a/> !bad-format" },
	{ "early: tags that do not match", CLIENT "<a><b></a>", "H !not-well-formed" },
	{ "early: bad attribute", CLIENT "<a><b c=d>", "H !not-well-formed" },
	{ "the same attribute twice", CLIENT "<a b='1' b='2'/>", "H !not-well-formed" },
	{ "open angle in a tag", CLIENT "<a <", "H !not-well-formed" },
	{ "open angle in a value", CLIENT "<a b='<", "H !not-well-formed" },
	{ "]]> in text", CLIENT "<a>]]></a>", "H !not-well-formed" },
	{ "undeclared prefix", CLIENT "<x:a/>", "H !bad-prefix" },
	{ "undeclared prefix of an attribute", CLIENT "<a x:b=''/>", "H !bad-prefix" },
	{ "undeclared prefix in the header", "<stream:stream xmlns='jabber:client'>",
		"!bad-prefix" },
	{ "NUL reference", CLIENT "<a>&#0;</a>", "H !not-well-formed" },
	{ "control reference", CLIENT "<a>&#1;</a>", "H !not-well-formed" },
	{ "separator reference in a namespace", CLIENT "<a xmlns='u&#1;b'/>",
		"H !not-well-formed" },
	{ "control character", CLIENT "<a>\x01</a>", "H !not-well-formed" },
	{ "not UTF-8", CLIENT "<a>\xff</a>", "H !bad-encoding" },
	{ "overlong UTF-8", CLIENT "<a>\xc0\x80</a>", "H !bad-encoding" },
	{ "surrogate", CLIENT "<a>\xed\xa0\x80</a>", "H !bad-encoding" },
	{ "beyond Unicode", CLIENT "<a>\xf4\x90\x80\x80</a>", "H !bad-encoding" },
	{ "half a character before a tag", CLIENT "<a>\xe2\x82</a>", "H !bad-encoding" },
	{ "half a character in a name", CLIENT "<a\xe2\x82/>", "H !bad-encoding" },
	{ "U+FFFF", CLIENT "<a>\xef\xbf\xbf</a>", "H !not-well-formed" },
	{ "good UTF-8", CLIENT "<a>\xf0\x9f\x98\x80\xc3\xa9</a>",
		"H <a>\xf0\x9f\x98\x80\xc3\xa9</a> " },

	{ "depth at the limit", CLIENT "<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>",
		"H <a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a> " },
	{ "depth over it", CLIENT "<a><a><a><a><a><a><a><a><a/>", "H !too-big" },
	{ "attributes at the limit", CLIENT "<a b='' c='' d='' e=''/>",
		"H <a b='' c='' d='' e=''/> " },
	{ "attributes over it", CLIENT "<a b='' c='' d='' e='' f=''/>", "H !too-big" },
	{ "declarations over it", CLIENT "<a xmlns:a='a' xmlns:b='b' xmlns:c='c' xmlns:d='d'/>",
		"H !too-big" },
	{ "name at the limit", CLIENT "<a2345678901234567890/>", "H <a2345678901234567890/> " },
	{ "name over it", CLIENT "<a23456789012345678901/>", "H !too-big" },
	{ "attribute name over it", CLIENT "<a a23456789012345678901=''/>", "H !too-big" },
	{ "a long tag", CLIENT "<a b='" PAD1024 "'/>", "H !too-big" },
	{ "a long tag without end", CLIENT "<a b='" PAD1024, "H !too-big" },
	{ "a long header", "<a b='" PAD1024, "!too-big" },
	{ "long text is no token", CLIENT "<a>" PAD1024 PAD1024 "</a>",
		"H <a>" PAD1024 PAD1024 "</a> " },
	{ "a long stanza", CLIENT "<a>" PAD1024 PAD1024 PAD1024 PAD1024, "H !too-big" },
	{ "a footer that never ends", CLIENT "</stream:stream" "    " "    ", "H " },
};

static void
all_cases(void)
{
	static const size_t steps[] = { 100000, 1, 2, 3, 7, 64 };

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		/* NULs are only in the UTF-16 case. */
		size_t n = strcmp(cases[i].name, "UTF-16") == 0 ? 4 : strlen(cases[i].in);
		/* Once it was idle, an element is parsed only when it is complete. */
		bool same = true, early = strncmp(cases[i].name, "early", 5) == 0;
		char *got = NULL;

		for (size_t s = 0; s < N_ELEMENTS(steps) * 2 && same; s++) {
			free(got);
			got = events(cases[i].in, n, steps[s / 2], s % 2 == 1 && !early, false);
			same = strcmp(got, cases[i].want) == 0;
		}
		is_text(got, cases[i].want, "%s", cases[i].name);
		free(got);
	}
}

static void
header_facts(void)
{
	static const char text[] = "<stream:stream from='juliet@im.example.com' id='i&amp;1' "
		"to='im.example.com' "
		"version='1.0' xml:lang='en' xmlns='jabber:server' "
		"xmlns:db='jabber:server:dialback' "
		"xmlns:stream='http://etherx.jabber.org/streams'>";
	struct xml_in *in = xml_in_new(&limits);
	struct xml_limits wide = limits;

	wide.attributes = 10;
	xml_in_limits(in, &wide);
	xml_in_feed(in, text, sizeof(text) - 1);
	is_int(xml_next(in, NULL, NULL), XML_HEADER, "a full header");

	const struct xml_header *h = xml_header(in);

	is_text(h->ns, "http://etherx.jabber.org/streams", "ns");
	is_text(h->name, "stream", "name");
	is_text(h->content_ns, "jabber:server", "content_ns");
	is_text(h->from, "juliet@im.example.com", "from");
	is_text(h->to, "im.example.com", "to");
	is_text(h->id, "i&1", "id");
	is_text(h->version, "1.0", "version");
	is_text(h->lang, "en", "lang");
	ok(h->dialback, "dialback");
	is_int(xml_next(in, NULL, NULL), XML_MORE, "and nothing else");
	ok(xml_header(in) == NULL, "the header is gone after the next xml_next()");
	is_int(xml_in_total(in), sizeof(text) - 1, "bytes counted");
	is_int(xml_in_unread(in), 0, "none left");
	xml_in_free(&in);
}

static void
restart(void)
{
	static const char first[] = CLIENT "<auth/>", more[] = CLIENT "<iq/>";
	struct xml_in *in = xml_in_new(&limits);
	struct buf all = { 0 }, out = { 0 };
	struct sc_arena *arena;
	struct sc_elem *root;

	buf_text(&all, first);
	buf_text(&all, more);
	xml_in_feed(in, all.p, all.n);
	is_int(xml_next(in, &arena, &root), XML_HEADER, "restart: header");
	is_int(xml_next(in, &arena, &root), XML_STANZA, "restart: auth");
	arena_free(arena);
	is_int(xml_in_unread(in), sizeof(more) - 1, "restart: what came behind waits");
	xml_in_restart(in);
	xml_in_detach(in);
	memset(all.p, 'x', all.n);
	drain(in, &out);
	buf_add(&out, "", 1);
	is_text(out.p, "H <iq/> ", "restart: and is read as a new stream");
	buf_free(&out);

	xml_in_feed(in, "<iq", 3);
	drain(in, &out);
	xml_in_drop_unread(in);
	xml_in_feed(in, "<a/>", 4);
	drain(in, &out);
	buf_add(&out, "", 1);
	is_text(out.p, "<a/> ", "STARTTLS: what was unread is forgotten");
	buf_free(&out);
	buf_free(&all);
	xml_in_free(&in);
}

static void
framed(void)
{
	static const struct { const char *in, *want; } frames[] = {
		{ "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='x'/>",
			"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='x'/> " },
		{ "<message xmlns='jabber:client'/>", "<message/> " },
		{ "<message/>", "<message xmlns=''/> " },
		{ "<?xml version='1.0'?><message/>", "!restricted" },
		{ "</s>", "!not-well-formed" },
		{ "<stream:error/>", "!bad-prefix" },
	};

	for (size_t i = 0; i < N_ELEMENTS(frames); i++) {
		char *got = events(frames[i].in, strlen(frames[i].in), 1000, false, true);

		is_text(got, frames[i].want, "frame: %s", frames[i].in);
		free(got);
	}
}

static void
weight(void)
{
	struct xml_in *in = xml_in_new(&limits);
	struct buf out = { 0 };

	xml_in_feed(in, CLIENT "<a><b/>", sizeof(CLIENT "<a><b/>") - 1);
	drain(in, &out);
	ok(xml_in_holds_parser(in), "a parser is held inside an element");
	ok(xml_in_weight(in) > 5000, "and weighs something");
	xml_in_idle(in);
	ok(!xml_in_holds_parser(in), "idle: given up");
	ok(xml_in_weight(in) < 300, "idle: only the bytes are left");
	xml_in_feed(in, "<c/>", 4);
	drain(in, &out);
	ok(!xml_in_holds_parser(in), "it is not borrowed again before the end");
	xml_in_feed(in, "</a>", 4);
	drain(in, &out);
	buf_add(&out, "", 1);
	is_text(out.p, "H <a><b/><c/></a> ", "nothing was lost");
	is_int(xml_in_weight(in), 0, "between elements nothing is held");
	buf_free(&out);
	xml_in_free(&in);
}

/* A parser that keeps bytes for itself must not go to another stream. */
static void
half_characters(void)
{
	static const char bad[] = CLIENT "<a><b\xe2>", good[] = CLIENT "<c\xe2\x82/>";
	struct buf out = { 0 };

	for (int i = 0; i < 3; i++) {
		struct xml_in *in = xml_in_new(&limits);

		xml_in_feed(in, bad, sizeof(bad) - 1);
		drain(in, &out);
		xml_in_free(&in);
		in = xml_in_new(&limits);
		xml_in_feed(in, CLIENT "<c/>", sizeof(CLIENT "<c/>") - 1);
		drain(in, &out);
		xml_in_free(&in);
		in = xml_in_new(&limits);
		xml_in_feed(in, good, sizeof(good) - 1);
		drain(in, &out);
		xml_in_free(&in);
	}
	buf_add(&out, "", 1);
	is_text(out.p, "H H <c/> H !bad-encodingH H <c/> H !bad-encodingH H <c/> H !bad-encoding",
		"half a character stays in its stream");
	buf_free(&out);
}

static void
amplification(void)
{
	static const struct xml_limits big = { 256 * 1024, 16 * 1024, 64, 64, 32, 256 };
	struct xml_in *in = xml_in_new(&big);
	struct buf input = { 0 };
	struct sc_arena *arena;
	struct sc_elem *root;

	buf_text(&input, CLIENT "<iq>");
	while (input.n < 250 * 1024)
		buf_text(&input, "<b/>");
	buf_text(&input, "</iq>");
	xml_in_feed(in, input.p, input.n);
	is_int(xml_next(in, &arena, &root), XML_HEADER, "header");
	is_int(xml_next(in, &arena, &root), XML_BAD, "a flood of empty elements is refused");
	is_int(xml_error(in), XML_TOO_BIG, "as too big");
	xml_in_free(&in);
	buf_free(&input);
}

static void
reading(void)
{
	static const struct { const char *in; bool good; } texts[] = {
		{ "<message><body/></message>", true }, { " <a/>\n", true }, { "<a/><b/>", false },
		{ "<a>", false }, { "", false }, { "</s>", false }, { "<a/>x", false },
		{ "<!--x--><a/>", false },
	};
	struct sc_arena *arena;
	struct sc_elem *root;

	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		bool got = xml_read(texts[i].in, strlen(texts[i].in), &arena, &root);

		is_int(got, texts[i].good, "xml_read: %s", texts[i].in);
		if (got) {
			is_text(root->ns, SC_NS_CONTENT, "in the content namespace");
			arena_free(arena);
		}
	}
}

int
main(void)
{
	all_cases();
	header_facts();
	restart();
	framed();
	weight();
	half_characters();
	amplification();
	reading();
	xml_thread_done();
	is_int(budget_sum(BUDGET_INPUT), 0, "the budget is level: input");
	is_int(budget_sum(BUDGET_STANZAS), 0, "the budget is level: arenas");
	arena_thread_done();
	return done_testing();
}
