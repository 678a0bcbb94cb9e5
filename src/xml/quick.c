/* SPDX-License-Identifier: MIT */
/*
 * quick: see quick.h. Every function returns false when it is not sure, and then all is given
 * up.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "xml/build.h"
#include "xml/quick.h"

struct quick {
	const char *p, *end;
	const char *begin;              /* of the element */
	const struct stream_ns *ns;
	const struct xml_limits *limits;
	struct sc_arena *arena;
	struct sc_elem *root, *around;
	unsigned depth;
};

enum { START = 1, NAME = 2, SPACE = 4, VALUE = 8, TEXT = 16 };

/* VALUE and TEXT: what may stand there and means itself. Quotes, ']', '&', '<' and bytes beyond
 * ASCII are looked at one by one. */
#define LETTER (START | NAME | VALUE | TEXT)
static const unsigned char class[256] = {
	['\t'] = SPACE | TEXT, ['\n'] = SPACE | TEXT, ['\r'] = SPACE, [' '] = SPACE | VALUE | TEXT,
	['!'] = VALUE | TEXT, ['"'] = TEXT, ['#' ... '%'] = VALUE | TEXT, ['\''] = TEXT,
	['(' ... ','] = VALUE | TEXT, ['-' ... '.'] = NAME | VALUE | TEXT, ['/'] = VALUE | TEXT,
	['0' ... '9'] = NAME | VALUE | TEXT, [':' ... ';'] = VALUE | TEXT,
	['=' ... '@'] = VALUE | TEXT,
	['A' ... 'Z'] = LETTER, ['[' ... '\\'] = VALUE | TEXT, [']'] = VALUE, ['^'] = VALUE | TEXT,
	['_'] = LETTER, ['`'] = VALUE | TEXT, ['a' ... 'z'] = LETTER, ['{' ... '~'] = VALUE | TEXT,
};

static inline bool
is(const char *p, int what)
{
	return (class[(unsigned char)*p] & what) != 0;
}

/* The first byte from p on that is not `what`, or the end. */
static inline const char *
behind(const char *p, const char *end, int what)
{
	while (end - p >= 4) {
		unsigned char all = class[(unsigned char)p[0]] & class[(unsigned char)p[1]]
			& class[(unsigned char)p[2]] & class[(unsigned char)p[3]];

		if ((all & what) == 0)
			break;
		p += 4;
	}
	while (p < end && is(p, what))
		p++;
	return p;
}

static inline void
skip(struct quick *q, int what)
{
	q->p = behind(q->p, q->end, what);
}

/* *n bytes at q->p are a name; it is passed. */
static bool
name(struct quick *q, const char **text, size_t *n)
{
	*text = q->p;
	if (q->p == q->end || !is(q->p, START))
		return false;
	skip(q, NAME);
	*n = (size_t)(q->p - *text);
	return q->p < q->end && *n <= q->limits->name_bytes;
}

/* One character beyond ASCII: shortest form, no surrogate, not U+FFFE or U+FFFF. */
static bool
character(struct quick *q)
{
	const unsigned char *c = (const unsigned char *)q->p;
	size_t left = (size_t)(q->end - q->p), n = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;

	if (c[0] < 0xc2 || c[0] > 0xf4 || left < n)
		return false;
	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return false;
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f)
	    || (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f)
	    || (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe))
		return false;
	q->p += n;
	return true;
}

static const struct {
	const char *name;
	size_t n;
	char means;
} entities[] = {
	{ "&lt;", 4, '<' }, { "&gt;", 4, '>' }, { "&amp;", 5, '&' }, { "&apos;", 6, '\'' },
	{ "&quot;", 6, '"' },
};

#define ENTITIES (sizeof(entities) / sizeof(entities[0]))

/* The entity at p; ENTITIES: none of ours. */
static size_t
entity(const char *p, size_t left)
{
	size_t i = 0;

	while (i < ENTITIES
	    && (left < entities[i].n || memcmp(p, entities[i].name, entities[i].n) != 0))
		i++;
	return i;
}

/* Passes what means something else than itself: a character beyond ASCII or an entity. */
static bool
special(struct quick *q, size_t *hidden)
{
	size_t which;

	if ((unsigned char)*q->p >= 0x80)
		return character(q);
	if (*q->p != '&')
		return false;
	which = entity(q->p, (size_t)(q->end - q->p));
	if (which == ENTITIES)
		return false;
	q->p += entities[which].n;
	*hidden += entities[which].n - 1;
	return true;
}

/* The n bytes at p, of which entities hide some, in the arena. */
static char *
plain(struct quick *q, const char *p, size_t n, size_t hidden)
{
	char *text, *to;
	const char *end = p + n;

	if (hidden == 0)
		return sc_copy_n(q->arena, p, n);
	text = to = arena_take(q->arena, n - hidden + 1, 1);
	while (p < end) {
		if (*p == '&') {
			size_t which = entity(p, (size_t)(end - p));

			*to++ = entities[which].means;
			p += entities[which].n;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
	return text;
}

/* "='value'"; what it says, in the arena. */
static const char *
value(struct quick *q, size_t *hidden)
{
	const char *from;
	char quote;

	if (q->end - q->p < 3 || q->p[0] != '=' || (q->p[1] != '\'' && q->p[1] != '"'))
		return NULL;
	quote = q->p[1];
	from = q->p += 2;
	*hidden = 0;
	for (;;) {
		skip(q, VALUE);
		if (q->p == q->end)
			return NULL;
		if (*q->p == quote)
			break;
		if (*q->p == '\'' || *q->p == '"')
			q->p++;
		else if (!special(q, hidden))
			return NULL;
	}

	const char *text = plain(q, from, (size_t)(q->p - from), *hidden);

	q->p++;
	return text;
}

/* Namespaces with rules of their own are expat's. */
static bool
ordinary_ns(struct quick *q, const char *ns)
{
	size_t n = strlen(ns);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)ns[i] >= 0x80)
			return false;
	return n <= 4u * q->limits->name_bytes && strcmp(ns, XML_NS_XML) != 0
		&& strcmp(ns, "http://www.w3.org/2000/xmlns/") != 0;
}

static bool
add_attr(struct quick *q, struct attr *first, struct attr **end, const char *ns, const char *text,
	size_t n, const char *says)
{
	struct attr *at;

	for (at = first; at != NULL; at = at->next)
		if (at->ns == ns && strncmp(at->name, text, n) == 0 && at->name[n] == '\0')
			return false;
	at = arena_take(q->arena, sizeof(*at), 8);
	*at = (struct attr){ .ns = ns, .name = sc_copy_n(q->arena, text, n), .value = says };
	*end = at;
	return true;
}

/* Attributes up to the end of the tag; *ns is what xmlns= says, if there is one. */
static bool
attributes(struct quick *q, struct attr **first, const char **ns)
{
	static const char xml_ns[] = XML_NS_XML;
	struct attr **end = first;
	const char *text, *says, *in;
	unsigned left = q->limits->attributes;
	size_t n, hidden;

	*first = NULL;
	*ns = NULL;
	for (;;) {
		const char *before = q->p;

		skip(q, SPACE);
		if (q->p == q->end)
			return false;
		if (*q->p == '/' || *q->p == '>')
			return true;
		if (q->p == before || !name(q, &text, &n))
			return false;
		in = NULL;
		if (*q->p == ':') {
			if (n != 3 || memcmp(text, "xml", 3) != 0 || q->end - q->p < 6
			    || memcmp(q->p, ":lang=", 6) != 0)
				return false;
			q->p += 5;
			in = xml_ns;
			text = "lang";
			n = 4;
		}
		says = value(q, &hidden);
		if (says == NULL)
			return false;
		if (in == NULL && n == 5 && memcmp(text, "xmlns", 5) == 0) {
			if (*ns != NULL || hidden > 0 || !ordinary_ns(q, says))
				return false;
			*ns = says;
			continue;
		}
		if (left-- == 0 || !add_attr(q, *first, end, in, text, n, says))
			return false;
		end = &(*end)->next;
	}
}

/* The namespace of an element that declares `own` or nothing. */
static const char *
namespace(struct quick *q, const char *own)
{
	if (own == NULL && q->around != NULL)
		return q->around->ns;
	if (own == NULL)
		own = q->ns->outer;
	if (q->ns->content != NULL && strcmp(own, q->ns->content) == 0)
		return build_content;
	return own;
}

static bool
start_tag(struct quick *q)
{
	const char *tag = q->p - 1, *text, *own, *ns;
	struct attr *attrs;
	size_t n;

	if (!name(q, &text, &n) || *q->p == ':' || !attributes(q, &attrs, &own))
		return false;
	if (q->depth >= q->limits->depth
	    || arena_size(q->arena) > BUILD_FREE + BUILD_TIMES * (size_t)(q->p - q->begin))
		return false;
	ns = namespace(q, own);
	/* The content namespace of another kind of stream, at the first level: see build.c. */
	if (q->around == NULL && ns != build_content && strcmp(ns, build_content) == 0)
		return false;

	struct sc_elem *e = tree_elem(q->arena, ns, sc_copy_n(q->arena, text, n));

	e->attrs = attrs;
	if (q->around == NULL)
		q->root = e;
	else
		tree_append(q->around, e);
	if (*q->p == '/') {
		if (++q->p == q->end || *q->p != '>')
			return false;
	} else {
		q->around = e;
		q->depth++;
	}
	q->p++;
	return (size_t)(q->p - tag) <= q->limits->token_bytes;
}

static bool
end_tag(struct quick *q)
{
	const char *text;
	size_t n;

	q->p++;
	if (q->around == NULL || !name(q, &text, &n))
		return false;
	skip(q, SPACE);
	if (q->p == q->end || *q->p != '>' || (size_t)(q->p - text) + 3 > q->limits->token_bytes)
		return false;
	q->p++;
	if (strncmp(q->around->name, text, n) != 0 || q->around->name[n] != '\0')
		return false;
	q->around = q->around->parent;
	q->depth--;
	return true;
}

/* Character data up to the next tag. */
static bool
text_run(struct quick *q)
{
	const char *from = q->p;
	size_t hidden = 0, n;

	for (;;) {
		skip(q, TEXT);
		if (q->p == q->end)
			return false;
		if (*q->p == '<')
			break;
		if (*q->p == ']') {
			if (q->end - q->p < 3 || memcmp(q->p, "]]>", 3) == 0)
				return false;
			q->p++;
		} else if (!special(q, &hidden)) {
			return false;
		}
	}
	n = (size_t)(q->p - from);
	if (n > 0) {
		struct sc_elem *e = arena_take(q->arena, sizeof(*e), 8);

		*e = (struct sc_elem){ .text = plain(q, from, n, hidden),
			.text_len = (uint32_t)(n - hidden) };
		tree_append(q->around, e);
	}
	return true;
}

static bool
element(struct quick *q)
{
	do {
		if (q->around != NULL && !text_run(q))
			return false;
		if (q->end - q->p < 2)
			return false;
		q->p++;
		if (!(*q->p == '/' ? end_tag(q) : start_tag(q)))
			return false;
	} while (q->around != NULL);
	return (size_t)(q->p - q->begin) <= q->limits->stanza_bytes;
}

size_t
quick_read(const char *p, size_t n, const struct stream_ns *ns, const struct xml_limits *limits,
	struct sc_arena **arena, struct sc_elem **root)
{
	struct quick q = { .p = p, .begin = p, .ns = ns, .limits = limits };

	if (ns->outer == NULL || limits->namespaces == 0)
		return 0;
	q.end = p + (n <= limits->stanza_bytes ? n : limits->stanza_bytes);
	q.arena = arena_new();
	if (!element(&q)) {
		arena_free(q.arena);
		return 0;
	}
	*arena = q.arena;
	*root = q.root;
	return (size_t)(q.p - p);
}
