/* SPDX-License-Identifier: MIT */
/* stanza: types, addresses, changing, errors, sealing and splicing, reading back. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/budget.h"
#include "tap.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

static struct sc_arena *a;

static struct sc_stanza *
parse(const char *text)
{
	struct sc_stanza *s = sc_stanza_read(text, strlen(text));

	if (s == NULL)
		printf("Bail out! cannot read %s\n", text);
	return s;
}

static const char *
text_of(const struct sc_stanza *s)
{
	return sc_stanza_text(a, s, NULL);
}

static void
types(void)
{
	static const struct { const char *in; enum sc_kind kind; enum sc_type type; bool bad;
		} cases[] = {
		{ "<message/>", SC_MESSAGE, SC_TYPE_NORMAL, false },
		{ "<message type='normal'/>", SC_MESSAGE, SC_TYPE_NORMAL, false },
		{ "<message type='chat'/>", SC_MESSAGE, SC_TYPE_CHAT, false },
		{ "<message type='groupchat'/>", SC_MESSAGE, SC_TYPE_GROUPCHAT, false },
		{ "<message type='headline'/>", SC_MESSAGE, SC_TYPE_HEADLINE, false },
		{ "<message type='error'/>", SC_MESSAGE, SC_TYPE_ERROR, false },
		{ "<message type='get'/>", SC_MESSAGE, SC_TYPE_NORMAL, true },
		{ "<message type=''/>", SC_MESSAGE, SC_TYPE_NORMAL, true },
		{ "<presence/>", SC_PRESENCE, SC_TYPE_AVAILABLE, false },
		{ "<presence type='available'/>", SC_PRESENCE, SC_TYPE_AVAILABLE, true },
		{ "<presence type='unavailable'/>", SC_PRESENCE, SC_TYPE_UNAVAILABLE, false },
		{ "<presence type='subscribe'/>", SC_PRESENCE, SC_TYPE_SUBSCRIBE, false },
		{ "<presence type='subscribed'/>", SC_PRESENCE, SC_TYPE_SUBSCRIBED, false },
		{ "<presence type='unsubscribe'/>", SC_PRESENCE, SC_TYPE_UNSUBSCRIBE, false },
		{ "<presence type='unsubscribed'/>", SC_PRESENCE, SC_TYPE_UNSUBSCRIBED, false },
		{ "<presence type='probe'/>", SC_PRESENCE, SC_TYPE_PROBE, false },
		{ "<presence type='error'/>", SC_PRESENCE, SC_TYPE_ERROR, false },
		{ "<iq type='get'/>", SC_IQ, SC_TYPE_GET, false },
		{ "<iq type='set'/>", SC_IQ, SC_TYPE_SET, false },
		{ "<iq type='result'/>", SC_IQ, SC_TYPE_RESULT, false },
		{ "<iq type='error'/>", SC_IQ, SC_TYPE_ERROR, false },
		{ "<iq/>", SC_IQ, SC_TYPE_GET, true },
		{ "<iq type='GET'/>", SC_IQ, SC_TYPE_GET, true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct sc_stanza *s = parse(cases[i].in);

		ok(sc_kind(s) == cases[i].kind && sc_type(s) == cases[i].type
			&& s->bad_type == cases[i].bad, "%s", cases[i].in);
		sc_stanza_free(&s);
	}
	ok(sc_stanza_read("<a/>", 4) == NULL, "a nonza is not read");
	ok(sc_stanza_read("<iq xmlns='x'/>", 15) == NULL,
		"nor a stanza's name in another namespace");
	ok(sc_stanza_read("<iq to='@'/>", 12) == NULL, "nor one with a malformed address");
	ok(sc_stanza_read("<iq/", 4) == NULL, "nor what is no XML");
}

static void
addresses(void)
{
	struct sc_arena *arena;
	struct sc_elem *root;
	struct sc_stanza *s;
	bool bad_from, bad_to;

	ok(xml_read("<iq from='A@B/C' to='@'/>", 25, &arena, &root), "read");
	s = stanza_from_tree(arena, root);
	ok(!stanza_addresses(s, &bad_from, &bad_to) && !bad_from && bad_to, "a bad to is told");
	is_text(sc_from(s)->text, "a@b/C", "a good from is prepared");
	is_text(sc_attr(sc_root(s), "from"), "a@b/C", "in the attribute too");
	sc_stanza_free(&s);
}

static bool
is_carbon(const struct sc_elem *e, void *arg)
{
	(void)arg;
	return sc_is(e, "urn:xmpp:carbons:2", "private");
}

static void
changing(void)
{
	const struct sc_jid *romeo = sc_jid(a, "romeo@example.org/orchard"),
		*juliet = sc_jid(a, "juliet@example.com");
	struct sc_stanza *s = sc_stanza_new(SC_MESSAGE, SC_TYPE_CHAT, romeo, juliet, "1"),
		*copy, *outer;
	struct sc_elem *e;

	sc_add_with_text(s, sc_stanza_root(s), NULL, "body", "a < b");
	is_text(text_of(s), "<message to='juliet@example.com' from='romeo@example.org/orchard' "
		"type='chat' id='1'>"
		"<body>a &lt; b</body></message>", "made");
	sc_add(s, sc_stanza_root(s), "urn:xmpp:carbons:2", "private");
	sc_add(s, sc_stanza_root(s), "urn:xmpp:carbons:2", "private");
	sc_add_delay(s, sc_jid(a, "example.org"), INT64_C(1031701267000000));
	is_text(text_of(s), "<message to='juliet@example.com' from='romeo@example.org/orchard' "
		"type='chat' id='1'>"
		"<body>a &lt; b</body><private xmlns='urn:xmpp:carbons:2'/><private "
		"xmlns='urn:xmpp:carbons:2'/>"
		"<delay xmlns='urn:xmpp:delay' from='example.org' "
		"stamp='2002-09-10T23:41:07Z'/></message>", "added");
	is_int(sc_remove_children(s, is_carbon, NULL), 2, "children removed");
	copy = sc_stanza_copy(s);
	is_text(text_of(copy), text_of(s), "a copy says the same");
	ok(sc_jid_same(sc_to(copy), juliet) && sc_jid_same(sc_from(copy), romeo),
		"with its addresses");
	sc_set_to(copy, NULL);
	sc_set_type(copy, SC_TYPE_NORMAL);
	sc_set_id(copy, "2");
	sc_set_attr(copy, sc_stanza_root(copy), "id", NULL);
	ok(sc_id(copy) == NULL && sc_to(copy) == NULL, "set to nothing");
	sc_set_attr(copy, sc_stanza_root(copy), "type", "groupchat");
	is_int(sc_type(copy), SC_TYPE_GROUPCHAT, "a type by its attribute");
	sc_remove_children(copy, is_carbon, NULL);
	is_text(text_of(copy), "<message from='romeo@example.org/orchard' type='groupchat'><body>a "
		"&lt; b</body>"
		"<delay xmlns='urn:xmpp:delay' from='example.org' "
		"stamp='2002-09-10T23:41:07Z'/></message>", "changed");

	outer = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	e = sc_add(outer, sc_stanza_root(outer), "urn:xmpp:forward:0", "forwarded");
	sc_add_stanza(outer, e, s);
	is_text(text_of(outer), "<message><forwarded xmlns='urn:xmpp:forward:0'><message "
		"xmlns='jabber:client' "
		"from='romeo@example.org/orchard' to='juliet@example.com' type='chat' "
		"id='1'><body>a &lt; b</body>"
		"<delay xmlns='urn:xmpp:delay' from='example.org' "
		"stamp='2002-09-10T23:41:07Z'/></message>"
		"</forwarded></message>", "forwarded");
	is_text(sc_text_in(a, sc_find(s, SC_NS_CONTENT, "body")), "a < b", "its text");
	sc_add_text(s, (struct sc_elem *)(uintptr_t)sc_find(s, SC_NS_CONTENT, "body"), " & c");
	is_text(sc_text_in(a, sc_find(s, SC_NS_CONTENT, "body")), "a < b & c", "pieces are joined");
	sc_stanza_free(&s);
	sc_stanza_free(&copy);
	sc_stanza_free(&outer);
	sc_stanza_free(&outer);
}

static void
errors(void)
{
	static const char *const silent[] = {
		"<message type='error'/>", "<iq type='result'/>", "<iq type='error'/>",
		"<presence type='error'/>",
	};
	struct sc_stanza *s = parse("<iq from='a@b/c' to='d' id='x' type='get'><q "
		"xmlns='urn:q'/></iq>"), *e;

	e = sc_error_to(s, SC_COND_FORBIDDEN, "No.");
	is_text(text_of(e), "<iq to='a@b/c' from='d' type='error' id='x'><error type='auth'>"
		"<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' "
		"xml:lang='en'>No.</text></error></iq>", "an error");
	is_int(sc_error_cond(e), SC_COND_FORBIDDEN, "and its condition");
	is_text(sc_name(sc_payload(s)), "q", "payload");
	ok(sc_payload(e) == NULL, "an error is no payload");
	sc_stanza_free(&e);
	e = sc_result_to(s);
	is_text(text_of(e), "<iq to='a@b/c' from='d' type='result' id='x'></iq>", "a result");
	sc_stanza_free(&e);
	sc_stanza_free(&s);
	for (size_t i = 0; i < N_ELEMENTS(silent); i++) {
		s = parse(silent[i]);
		ok(sc_error_to(s, SC_COND_GONE, NULL) == NULL, "no error to %s", silent[i]);
		sc_stanza_free(&s);
	}
	for (enum sc_cond cond = 0; cond <= SC_COND_UNEXPECTED_REQUEST; cond++) {
		s = parse("<message/>");
		e = sc_error_to(s, cond, NULL);
		is_int(sc_error_cond(e), cond, "%s", sc_cond_name(cond));
		sc_stanza_free(&e);
		sc_stanza_free(&s);
	}
}

static const char *
spliced(const struct sc_stanza *s, const char *to, const char *patch, bool framed)
{
	struct buf b = { 0 };
	const char *text;

	stanza_splice(&b, s, sc_span(to), sc_span(patch), framed);
	text = sc_copy_n(a, b.p, b.n);
	buf_free(&b);
	return text;
}

static void
sealing(void)
{
	struct sc_stanza *s =
		parse("<message from='a@b' to='c@d' type='chat'><body>x</body></message>"), *ref;
	const struct sc_stanza *sealed = sc_seal(s);

	ok(sc_seal(s) == sealed, "sealing twice changes nothing");
	is_text(sc_copy_n(a, sealed->wire.p, sealed->wire.n),
		"<message from='a@b' type='chat'><body>x</body></message>", "the wire has no to");
	is_text(spliced(sealed, "e@f/it's", NULL, false),
		"<message to='e@f/it&apos;s' from='a@b' type='chat'><body>x</body></message>",
		"with another to");
	is_text(spliced(sealed, NULL, "<y/>", true),
		"<message xmlns='jabber:client' from='a@b' "
		"type='chat'><body>x</body><y/></message>", "framed, patched");
	is_text(text_of(sealed),
		"<message to='c@d' from='a@b' type='chat'><body>x</body></message>", "its text");
	ref = sc_ref(sealed);
	sc_stanza_free(&s);
	is_text(sc_name(sc_root(ref)), "message", "lives as long as a reference");
	sc_stanza_free(&ref);

	s = parse("<presence/>");
	is_text(spliced(sc_seal(s), "a", "<x/>", false), "<presence to='a'><x/></presence>",
		"an empty one has a tail");
	sc_stanza_free(&s);
}

static void
readdressing(void)
{
	struct sc_stanza *s = parse("<message from='a@b' to='c@d'><body/></message>"), *other,
		*third, *outer;

	sc_seal(s);
	other = stanza_readdress(s, sc_jid(a, "e@f"));
	third = stanza_readdress(other, NULL);
	sc_stanza_free(&s);
	is_text(sc_to(other)->text, "e@f", "readdressed");
	is_text(text_of(other), "<message to='e@f' from='a@b'><body/></message>",
		"its text has the new address");
	is_text(text_of(third), "<message from='a@b'><body/></message>", "or none");
	s = sc_stanza_copy(other);
	is_text(text_of(s), "<message to='e@f' from='a@b'><body/></message>", "a copy too");
	outer = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	sc_add_stanza(outer, sc_stanza_root(outer), other);
	is_text(text_of(outer), "<message><message from='a@b' to='e@f'><body/></message></message>",
		"forwarded too");
	sc_stanza_free(&outer);
	outer = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	sc_add_stanza(outer, sc_stanza_root(outer), third);
	is_text(text_of(outer), "<message><message from='a@b'><body/></message></message>",
		"and without one");
	sc_stanza_free(&outer);
	sc_stanza_free(&s);
	sc_stanza_free(&other);
	sc_stanza_free(&third);
}

static void
smuggling(void)
{
	/* What was written reads back as the same tree, whatever it holds. */
	static const char *const texts[] = {
		"</body></message><iq/>", "]]>", "&amp;", "<![CDATA[", "\r\n\t", "'\"", "<!--",
		"\xc2\x85\u2028",
	};

	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct sc_stanza *s = sc_stanza_new(SC_MESSAGE, SC_TYPE_CHAT, NULL, NULL, texts[i]),
			*back;
		const char *wire;

		sc_add_with_text(s, sc_stanza_root(s), NULL, "body", texts[i]);
		sc_set_attr(s, sc_add(s, sc_stanza_root(s), "urn:x", "x"), "v", texts[i]);
		wire = text_of(s);
		back = sc_stanza_read(wire, strlen(wire));
		if (ok(back != NULL, "hostile text %zu reads back", i)) {
			is_text(sc_text_in(a, sc_find(back, SC_NS_CONTENT, "body")), texts[i],
				"the text");
			is_text(sc_attr(sc_find(back, "urn:x", "x"), "v"), texts[i],
				"an attribute");
			is_text(sc_id(back), texts[i], "the id");
		}
		sc_stanza_free(&s);
		sc_stanza_free(&back);
	}
}

static void *
drop_many(void *arg)
{
	struct sc_stanza **refs = arg;

	for (int i = 0; i < 1000; i++)
		sc_stanza_free(&refs[i]);
	arena_thread_done();
	return NULL;
}

static void
threads(void)
{
	static struct sc_stanza *refs[4][1000];
	struct sc_stanza *s = parse("<message/>");
	pthread_t thread[4];

	sc_seal(s);
	for (int t = 0; t < 4; t++) {
		for (int i = 0; i < 1000; i++)
			refs[t][i] = sc_ref(s);
	}
	sc_stanza_free(&s);
	for (int t = 0; t < 4; t++)
		pthread_create(&thread[t], NULL, drop_many, refs[t]);
	for (int t = 0; t < 4; t++)
		pthread_join(thread[t], NULL);
	ok(true, "references dropped by four threads");
}

static void
worth(void)
{
#define STATE "<active xmlns='http://jabber.org/protocol/chatstates'/>"
#define HINT(x) "<" x " xmlns='urn:xmpp:hints'/>"
	static const struct {
		const char *type, *inside;
		bool content, keeping, archive;
	} cases[] = {
		{ "chat", "<body>b</body>", true, true, true },
		{ "normal", "<body>b</body>", true, true, true },
		{ "groupchat", "<body>b</body>", true, true, false },
		{ "headline", "<body>b</body>", true, true, false },
		{ "chat", STATE "<thread>t</thread>", false, false, false },
		{ "chat", STATE HINT("store"), false, true, true },
		{ "chat", "<body>b</body>" HINT("no-store"), true, false, false },
		{ "chat", "<body>b</body>" HINT("no-permanent-store") HINT("store"), true, false,
			false },
		{ "chat", "<received xmlns='urn:xmpp:receipts' id='1'/>", true, true, true },
		{ "normal", "<event xmlns='http://jabber.org/protocol/pubsub#event'/>", true,
			false, false },
		{ "chat", "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a'/>"
			"<delay xmlns='urn:xmpp:delay' stamp='x'/>", false, false, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[512];
		struct sc_stanza *s;

		snprintf(text, sizeof text, "<message xmlns='jabber:client' type='%s'>%s</message>",
			cases[i].type, cases[i].inside);
		s = sc_stanza_read(text, strlen(text));
		ok(sc_has_content(s) == cases[i].content &&
			sc_worth_keeping(s) == cases[i].keeping &&
			sc_for_archive(s) == cases[i].archive, "%s: %s", cases[i].type,
			cases[i].inside);
		sc_stanza_free(&s);
	}
}

int
main(void)
{
	a = arena_new();
	types();
	addresses();
	changing();
	errors();
	sealing();
	readdressing();
	smuggling();
	worth();
	threads();
	arena_free(a);
	is_int(budget_sum(BUDGET_STANZAS), 0, "nothing is left");
	xml_thread_done();
	stanza_thread_done();
	arena_thread_done();
	return done_testing();
}
