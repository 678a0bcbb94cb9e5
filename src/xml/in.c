/* SPDX-License-Identifier: MIT */
/*
 * in: the part of reading XML that a stream keeps: where it stands, which bytes wait, what its
 * header declared. Bytes of an unfinished element stay here, also while a parser has seen them,
 * so a parser can be taken away at any time and the element read again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "base/arena.h"
#include "base/budget.h"
#include "base/mem.h"
#include "xml/header.h"
#include "xml/quick.h"
#include "xml/scan.h"
#include <stonechat/log.h>

#define KEPT_ROOM (4 * 1024)    /* of a buffer that may stay while there is something in it */

enum state {
	EXPECT_HEADER,
	OPEN,           /* between elements, or inside an unfinished one */
	EMPTY_ROOT,     /* the header was an empty tag: the footer is next */
	CLOSED,         /* after the footer nothing counts */
	FAILED,
};

struct xml_in {
	const struct xml_limits *limits;
	const struct stream_ns *ns;
	char *lang;                     /* the stream's xml:lang; NULL: none */
	struct header *header;          /* from XML_HEADER to the next xml_next() */
	struct parser *parser;          /* held inside an unfinished element only */
	const char *lent;               /* either these bytes wait, or those kept */
	size_t lent_n, off;             /* off: used bytes of whichever it is */
	struct buf kept;
	uint64_t total;
	struct scan scan;               /* of the element that begins at off */
	uint32_t fed;                   /* bytes that the parser has; of a header: looked at */
	uint8_t state, error;
	bool late;                      /* idle once: parse it when it is complete, not before */
};

_Static_assert(sizeof(struct xml_in) <= 200, "every stream has one");

struct xml_in *
xml_in_new(const struct xml_limits *limits)
{
	struct xml_in *in = mem_new(sizeof(*in));

	in->limits = limits;
	return in;
}

static void
free_kept(struct xml_in *in)
{
	budget_charge(BUDGET_INPUT, -(int64_t)in->kept.room);
	buf_free(&in->kept);
	in->off = 0;
}

/* Forgets how far the present element has been read. */
static void
begin_element(struct xml_in *in)
{
	parser_give_back(&in->parser);
	in->scan = (struct scan){ 0 };
	in->fed = 0;
	in->late = false;
}

static void
forget_stream(struct xml_in *in)
{
	begin_element(in);
	header_free(&in->header);
	header_ns_free(&in->ns);
	free(in->lang);
	in->lang = NULL;
}

void
xml_in_free(struct xml_in **taken)
{
	struct xml_in *in = *taken;

	*taken = NULL;
	if (in == NULL)
		return;
	forget_stream(in);
	free_kept(in);
	free(in);
}

void
xml_in_limits(struct xml_in *in, const struct xml_limits *limits)
{
	begin_element(in);      /* a held parser works with the old ones */
	in->limits = limits;
}

void
xml_in_restart(struct xml_in *in)
{
	forget_stream(in);
	if (in->state != FAILED)
		in->state = EXPECT_HEADER;
}

void
xml_in_framed(struct xml_in *in)
{
	forget_stream(in);
	in->ns = &header_ns_framed;
	in->state = OPEN;
}

void
xml_in_drop_unread(struct xml_in *in)
{
	begin_element(in);
	free_kept(in);
	in->lent = NULL;
	in->lent_n = 0;
}

static void
keep(struct xml_in *in, const char *bytes, size_t n)
{
	size_t room = in->kept.room;

	buf_add(&in->kept, bytes, n);
	budget_charge(BUDGET_INPUT, (int64_t)in->kept.room - (int64_t)room);
}

/* A long element is followed by short ones. */
static void
shrink(struct xml_in *in)
{
	size_t room = in->kept.room;

	if (room <= KEPT_ROOM || in->kept.n > room / 4)
		return;
	in->kept.room = in->kept.n * 2 < KEPT_ROOM ? KEPT_ROOM : in->kept.n * 2;
	in->kept.p = mem_grow(in->kept.p, in->kept.room);
	budget_charge(BUDGET_INPUT, (int64_t)in->kept.room - (int64_t)room);
}

void
xml_in_keep(struct xml_in *in)
{
	if (in->kept.n > 0 && in->off == in->kept.n) {
		free_kept(in);
	} else if (in->kept.n > 0 && in->off > 0) {
		buf_drop(&in->kept, in->off);
		in->off = 0;
		shrink(in);
	}
	if (in->lent == NULL)
		return;

	const char *bytes = in->lent + in->off;
	size_t n = in->lent_n - in->off;

	in->lent = NULL;
	in->lent_n = in->off = 0;
	if (n > 0)
		keep(in, bytes, n);
}

void
xml_in_feed(struct xml_in *in, const char *bytes, size_t n)
{
	in->total += n;
	if (in->state >= CLOSED || n == 0)
		return;
	xml_in_keep(in);
	if (in->kept.n > 0) {
		keep(in, bytes, n);
	} else {
		in->lent = bytes;
		in->lent_n = n;
	}
}

size_t
xml_in_unread(const struct xml_in *in)
{
	return (in->kept.n > 0 ? in->kept.n : in->lent_n) - in->off;
}

static const char *
unread(const struct xml_in *in)
{
	return (in->kept.n > 0 ? in->kept.p : in->lent) + in->off;
}

/* The bytes that wait are whole no more than they were: copy what is lent, shrink what is kept. */
static enum xml_event
more(struct xml_in *in)
{
	xml_in_keep(in);
	return XML_MORE;
}

/* Bytes that no continuation could make UTF-8; one that is only cut short is not wrong yet. */
static bool
is_not_utf8(const char *p, size_t n)
{
	const uint8_t *wrong = u8_check((const uint8_t *)p, n);
	ucs4_t c;

	return wrong != NULL &&
		u8_mbtoucr(&c, wrong, (size_t)((const uint8_t *)p + n - wrong)) == -1;
}

/* RFC 6120 §11.6: other encodings have a condition of their own, also when nobody declares them. */
static enum xml_event
fail(struct xml_in *in, enum xml_error error)
{
	if (error == XML_NOT_WELL_FORMED && is_not_utf8(unread(in), xml_in_unread(in)))
		error = XML_BAD_ENCODING;
	in->state = FAILED;
	in->error = error;
	xml_in_drop_unread(in);
	return XML_BAD;
}

static size_t
space_at(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t'))
		i++;
	return i;
}

static void
skip_space(struct xml_in *in)
{
	size_t n = xml_in_unread(in);

	if (n > 0)
		in->off += space_at(unread(in), n);
}

/* --- the header --- */

/* How long the XML declaration at p is; 0: there is none. *unfinished: not all of it is here. */
static size_t
declaration(const char *p, size_t n, bool *unfinished)
{
	const char *end;

	*unfinished = memcmp(p, "<?xml", n < 5 ? n : 5) == 0;
	if (!*unfinished || n < 6)
		return 0;
	*unfinished = space_at(p + 5, 1) == 1;
	if (!*unfinished)
		return 0;
	end = memmem(p, n, "?>", 2);
	*unfinished = end == NULL;
	return end == NULL ? 0 : (size_t)(end + 2 - p);
}

/* Where the root's tag begins and ends in the bytes that wait. 0: not complete, or *bad with
 * *error. */
static size_t
find_header(const char *p, size_t n, size_t *tag, bool *bad, enum xml_error *error)
{
	bool unfinished;
	size_t at = declaration(p, n, &unfinished), len;

	*bad = false;
	if (unfinished)
		return 0;
	at += space_at(p + at, n - at);
	if (at == n)
		return 0;
	*bad = true;
	*error = XML_NOT_WELL_FORMED;
	if (p[at] != '<')
		return 0;
	if (n - at > 1 && (p[at + 1] == '!' || p[at + 1] == '?')) {
		*error = XML_RESTRICTED;
		return 0;
	}
	*tag = at;
	len = scan_tag(p + at, n - at, bad);
	return len == 0 ? 0 : at + len;
}

static size_t
raw_name(const char *tag, size_t n)
{
	size_t i = 0;

	while (i < n && strchr(" \t\r\n/>", tag[i]) == NULL)
		i++;
	return i;
}

static enum xml_event
take_header(struct xml_in *in, const char *p, size_t tag, size_t end)
{
	enum xml_error error = XML_NOT_WELL_FORMED;

	in->header = parser_header(p, end, in->limits, &error);
	if (in->header == NULL)
		return fail(in, error);
	in->ns = header_ns(in->header, p + tag + 1, raw_name(p + tag + 1, end - tag - 1));
	if (in->header->public.lang != NULL && in->header->public.lang[0] != '\0')
		in->lang = mem_text(in->header->public.lang, strlen(in->header->public.lang));
	in->off += end;
	in->fed = 0;
	in->state = in->header->empty ? EMPTY_ROOT : OPEN;
	return XML_HEADER;
}

static enum xml_event
next_header(struct xml_in *in)
{
	enum xml_error error = XML_NOT_WELL_FORMED;
	size_t n, tag = 0, end;
	const char *p;
	bool bad;

	if (in->fed == 0)
		skip_space(in);
	n = xml_in_unread(in);
	if (n == 0)
		return more(in);
	p = unread(in);
	if (in->fed == 0 && ((n > 1 && (p[0] == '\0' || p[1] == '\0'))
	    || (unsigned char)p[0] >= 0xfe))
		return fail(in, XML_BAD_ENCODING);      /* UTF-16, with a mark or without */
	if (in->fed == 0 || memchr(p + in->fed, '>', n - in->fed) != NULL) {
		end = find_header(p, n, &tag, &bad, &error);
		if (end > in->limits->token_bytes)
			return fail(in, XML_TOO_BIG);
		if (end > 0)
			return take_header(in, p, tag, end);
		if (bad)
			return fail(in, error);
	}
	if (n > in->limits->token_bytes)
		return fail(in, XML_TOO_BIG);
	/* Looked at again only when a '>' comes; a few bytes are always worth a look. */
	in->fed = n < 8 ? 0 : n;
	return more(in);
}

/* --- elements --- */

static enum xml_event
next_footer(struct xml_in *in, const char *p, size_t n)
{
	size_t len = in->ns->root == NULL ? 0 : strlen(in->ns->root), at;

	if (len == 0 || memcmp(p + 2, in->ns->root, n - 2 < len ? n - 2 : len) != 0)
		return fail(in, XML_NOT_WELL_FORMED);
	if (n < len + 3)
		return more(in);
	at = 2 + len + space_at(p + 2 + len, n - 2 - len);
	if (at > in->limits->token_bytes)
		return fail(in, XML_TOO_BIG);
	if (at == n)
		return more(in);
	if (p[at] != '>')
		return fail(in, XML_NOT_WELL_FORMED);
	xml_in_drop_unread(in);
	in->state = CLOSED;
	return XML_FOOTER;
}

/* Gives the parser what it has not seen, up to `to`. */
static bool
feed_parser(struct xml_in *in, const char *p, size_t to)
{
	if (in->parser == NULL) {
		in->parser = parser_borrow(in->ns, in->limits);
		in->fed = 0;
	}

	size_t from = in->fed;

	in->fed = to;
	return to == from || parser_feed(in->parser, p + from, to - from);
}

static void
add_lang(const struct xml_in *in, struct sc_arena *arena, struct sc_elem *root)
{
	if (in->lang == NULL || strcmp(root->ns, SC_NS_CONTENT) != 0
	    || sc_attr_ns(root, XML_NS_XML, "lang") != NULL)
		return;
	tree_attr(arena, root, XML_NS_XML, "lang", sc_copy(arena, in->lang));
}

static enum xml_event
take_element(struct xml_in *in, const char *p, struct sc_arena **arena, struct sc_elem **root)
{
	uint32_t n = in->scan.at;

	if (!feed_parser(in, p, n))
		return fail(in, parser_error(in->parser));
	if (!parser_take(in->parser, arena, root))
		return fail(in, XML_NOT_WELL_FORMED);
	begin_element(in);
	in->off += n;
	add_lang(in, *arena, *root);
	return XML_STANZA;
}

static enum xml_event
next_element(struct xml_in *in, struct sc_arena **arena, struct sc_elem **root)
{
	if (in->scan.at == 0)
		skip_space(in);

	size_t n = xml_in_unread(in);
	const char *p;

	if (n == 0)
		return more(in);
	p = unread(in);
	if (p[0] != '<')
		return fail(in, XML_BAD_FORMAT);
	if (n > 1 && p[1] == '/')
		return next_footer(in, p, n);
	if (in->scan.at == 0) {
		size_t len = quick_read(p, n, in->ns, in->limits, arena, root);

		if (len > 0) {
			in->off += len;
			add_lang(in, *arena, *root);
			return XML_STANZA;
		}
	}
	switch (scan(&in->scan, p, n, in->limits)) {
	case SCAN_END:
		return take_element(in, p, arena, root);
	case SCAN_RESTRICTED:
		return fail(in, XML_RESTRICTED);
	case SCAN_TOO_BIG:
		return fail(in, XML_TOO_BIG);
	case SCAN_BAD:
		return fail(in, XML_NOT_WELL_FORMED);
	case SCAN_MORE:
		break;
	}
	/* Mistakes are told before the element is complete, and long elements are read as they
	 * come. */
	if (!in->late && in->scan.safe > in->fed && !feed_parser(in, p, in->scan.safe))
		return fail(in, parser_error(in->parser));
	return more(in);
}

enum xml_event
xml_next(struct xml_in *in, struct sc_arena **arena, struct sc_elem **root)
{
	header_free(&in->header);
	switch ((enum state)in->state) {
	case EXPECT_HEADER:
		return next_header(in);
	case OPEN:
		return next_element(in, arena, root);
	case EMPTY_ROOT:
		xml_in_drop_unread(in);
		in->state = CLOSED;
		return XML_FOOTER;
	case CLOSED:
		break;
	case FAILED:
		return XML_BAD;
	}
	return XML_MORE;
}

const struct xml_header *
xml_header(const struct xml_in *in)
{
	return in->header == NULL ? NULL : &in->header->public;
}

enum xml_error
xml_error(const struct xml_in *in)
{
	return in->error;
}

const char *
xml_error_text(const struct xml_in *in)
{
	static const char *const sentences[] = {
		[XML_NOT_WELL_FORMED] = "The XML is not well-formed.",
		[XML_RESTRICTED] =
			"Comments, instructions, document types and entities are refused.",
		[XML_BAD_PREFIX] = "A namespace prefix is not declared.",
		[XML_BAD_ENCODING] = "Only UTF-8 is supported.",
		[XML_TOO_BIG] = "The XML is larger or deeper than this server accepts.",
		[XML_BAD_FORMAT] = "There is text between the elements.",
	};

	return sentences[in->error];
}

uint64_t
xml_in_total(const struct xml_in *in)
{
	return in->total;
}

size_t
xml_in_weight(const struct xml_in *in)
{
	return in->kept.room + (in->parser == NULL ? 0 : parser_weight(in->parser))
		+ header_ns_weight(in->ns) + (in->lang == NULL ? 0 : strlen(in->lang) + 1);
}

void
xml_in_detach(struct xml_in *in)
{
	header_free(&in->header);
	xml_in_keep(in);
	if (in->parser != NULL) {
		parser_give_back(&in->parser);
		in->fed = 0;
	}
}

void
xml_in_idle(struct xml_in *in)
{
	if (in->parser == NULL)
		return;
	xml_in_detach(in);
	in->late = true;
}

bool
xml_in_holds_parser(const struct xml_in *in)
{
	return in->parser != NULL;
}

bool
xml_read(const char *text, size_t n, struct sc_arena **arena, struct sc_elem **root)
{
	static const struct xml_limits wide = { 16 << 20, 1 << 20, 1024, 1024, 256, 4096 };
	static const struct stream_ns alone = { "<s xmlns='" SC_NS_CONTENT "'>", NULL,
		SC_NS_CONTENT,
		SC_NS_CONTENT };
	struct xml_in in = { .limits = &wide, .state = OPEN, .ns = &alone };
	bool one;

	xml_in_feed(&in, text, n);
	if (xml_next(&in, arena, root) != XML_STANZA) {
		xml_in_drop_unread(&in);
		return false;
	}
	skip_space(&in);
	one = xml_in_unread(&in) == 0;
	xml_in_drop_unread(&in);
	if (!one)
		arena_free(*arena);
	return one;
}
