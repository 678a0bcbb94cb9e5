/* SPDX-License-Identifier: MIT */
/* xml_quick: what it takes, that it takes it as expat does, and what it leaves to expat. */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "tap.h"
#include "xml/header.h"
#include "xml/quick.h"

static const struct xml_limits limits = { 1000, 300, 4, 3, 3, 10 };
static const struct stream_ns stream = { "<s xmlns='jabber:client'>", "s", SC_NS_CONTENT,
	SC_NS_CONTENT };

static const struct { const char *in; bool takes; } cases[] = {
	{ "<a/>", true }, { "<a />", true }, { "<a></a>", true }, { "<a\n></a\t>", true },
	{ "<message to='b@c' id=\"1\"><body>x y</body></message>", true },
	{ "<a b='\"' c=\"'\"/>", true }, { "<a>\n\t]] > ' \" &lt;&gt;&amp;&apos;&quot;</a>", true },
	{ "<a b='&lt;&amp;&apos;>'/>", true }, { "<a xml:lang='de'/>", true },
	{ "<a xmlns='urn:x'><b/><c xmlns='jabber:client'/><d xmlns=''/></a>", true },
	{
		"<a>\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xf0\x90\x80\x80\xf4\x8f\xbf\xbf</a>",
		true },
	{ "<a b='\xe2\x82\xac'/>", true }, { "<a-b.c_1/>", true },
	{ "<a><b><c><d/></c></b></a>", true },
	{ "<a b='1' c='2' d='3'/>", true },

	{ "<x:a/>", false }, { "<a x:b='1'/>", false }, { "<a xmlns:x='y'/>", false },
	{ "<a xml:base='x'/>", false }, { "<\xc3\xa9/>", false }, { "<a \xc3\xa9='1'/>", false },
	{ "<a>&#65;</a>", false }, { "<a>&foo;</a>", false }, { "<a>&amp</a>", false },
	{ "<a><![CDATA[x]]></a>", false }, { "<a><!-- x --></a>", false },
	{ "<a><?x?></a>", false },
	{ "<a>\r</a>", false }, { "<a b='\n'/>", false }, { "<a b='\t'/>", false },
	{ "<a>\x7f</a>", false },
	{ "<a>\x01</a>", false }, { "<a>]]></a>", false }, { "<a b=1/>", false },
	{ "<a b/>", false },
	{ "<a b = '1'/>", false }, { "<a b='1'c='2'/>", false }, { "<a b='<'/>", false },
	{ "<a b='1' b='2'/>", false }, { "<a xml:lang='a' xml:lang='b'/>", false },
	{ "<a xmlns='x' xmlns='y'/>", false }, { "<a xmlns='&amp;'/>", false },
	{ "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", false },
	{ "<a xmlns='http://www.w3.org/2000/xmlns/'/>", false },
	{ "<a></b>", false }, { "<a></ab>", false }, { "<ab></a>", false },
	{ "<a><b></a></b>", false },
	{ "<a", false }, { "<a>", false }, { "<a>x", false }, { "<a b='", false }, { "<a/", false },
	{ "<a></a", false }, { "<", false }, { "<>", false }, { "< a/>", false },
	{ "<a / >", false },
	{ "</a>", false }, { "<1/>", false }, { "<a>\xc3</a>", false },
	{ "<a>\xc0\x80</a>", false },
	{ "<a>\xed\xa0\x80</a>", false }, { "<a>\xf4\x90\x80\x80</a>", false },
	{ "<a>\xef\xbf\xbf</a>", false },
	{ "<a>\xe0\x80\x80</a>", false }, { "<a>\xf0\x80\x80\x80</a>", false },
	{ "<a>\xf5\x80\x80\x80</a>", false },
	{ "<a>\xe2\x82", false }, { "<a>\x80</a>", false },
	{ "<a><b><c><d><e/></d></c></b></a>", false }, { "<a b='' c='' d='' e=''/>", false },
	{ "<a2345678901/>", false }, { "<a a2345678901=''/>", false },
};

static char *
written(const struct sc_elem *root)
{
	struct buf out = { 0 };

	xml_write(&out, root, SC_NS_CONTENT);
	buf_add(&out, "", 1);
	return out.p;
}

/* The same element through expat: given byte by byte, quick_read() never sees it whole. */
static char *
by_expat(const char *text)
{
	struct xml_in *in = xml_in_new(&limits);
	struct sc_arena *arena;
	struct sc_elem *root;
	char *out = NULL;

	xml_in_feed(in, "<s xmlns='jabber:client'>", 25);
	if (xml_next(in, &arena, &root) == XML_HEADER) {
		for (; *text != '\0' && out == NULL; text++) {
			xml_in_feed(in, text, 1);
			if (xml_next(in, &arena, &root) != XML_STANZA)
				continue;
			out = written(root);
			arena_free(arena);
		}
	}
	xml_in_free(&in);
	return out;
}

int
main(void)
{
	struct sc_arena *arena;
	struct sc_elem *root;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		size_t n = strlen(cases[i].in), got;
		char *exact = malloc(n);        /* a sanitizer sees what is read beyond */

		memcpy(exact, cases[i].in, n);
		got = quick_read(exact, n, &stream, &limits, &arena, &root);
		is_int(got, cases[i].takes ? (long long)n : 0, "case %zu is %s", i,
			cases[i].takes ? "taken" : "left to expat");
		if (got > 0) {
			char *mine = written(root), *expats = by_expat(cases[i].in);

			is_text(mine, expats, "and means the same to both");
			free(mine);
			free(expats);
			arena_free(arena);
		}
		free(exact);
	}
	ok(quick_read("<a/><b/>", 8, &stream, &limits, &arena, &root) == 4, "the first of two");
	arena_free(arena);
	ok(quick_read("<a/>", 4, &(struct stream_ns){ "<s>", "s", NULL, NULL }, &limits, &arena,
		&root) == 0, "an unknown stream is left to expat");
	xml_thread_done();
	arena_thread_done();
	return done_testing();
}
