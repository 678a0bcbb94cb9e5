/* SPDX-License-Identifier: MIT */
/*
 * header: reads the opening tag, and writes the synthetic one that a borrowed parser starts
 * from. Most clients declare the same few namespaces, so most streams share a constant.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "xml/build.h"
#include "xml/header.h"

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_DIALBACK "jabber:server:dialback"
#define NS_SERVER "jabber:server"
#define NS_COMPONENT "jabber:component:accept"

const struct stream_ns header_ns_framed = { "<s>", NULL, SC_NS_CONTENT, "" };

static const struct stream_ns common[] = {
	{ "<s xmlns='jabber:client' xmlns:stream='" NS_STREAMS "'>", "stream:stream", SC_NS_CONTENT,
		SC_NS_CONTENT },
	{ "<s xmlns='jabber:server' xmlns:db='" NS_DIALBACK "' xmlns:stream='" NS_STREAMS "'>",
		"stream:stream", NS_SERVER, NS_SERVER },
	{ "<s xmlns='jabber:server' xmlns:stream='" NS_STREAMS "'>", "stream:stream", NS_SERVER,
		NS_SERVER },
	{ "<s xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS "'>", "stream:stream",
		NS_COMPONENT,
		NS_COMPONENT },
};

#define COMMON (sizeof(common) / sizeof(common[0]))

struct header *
header_new(void)
{
	struct sc_arena *arena = arena_new();
	struct header *h = sc_alloc(arena, sizeof(*h));

	h->arena = arena;
	return h;
}

void
header_free(struct header **taken)
{
	struct header *h = *taken;

	*taken = NULL;
	if (h != NULL)
		arena_free(h->arena);
}

void
header_declare(struct parser *p, const char *prefix, const char *uri)
{
	struct header *h = p->header;

	if (prefix != NULL && strcmp(prefix, "xml") == 0)
		return;
	if (h->decls == sizeof(h->decl) / sizeof(h->decl[0]) || h->decls >= p->limits->namespaces) {
		build_fail(p, XML_TOO_BIG);
		return;
	}
	h->decl[h->decls++] = (struct decl){ sc_copy(h->arena, prefix), sc_copy(h->arena, uri) };
	if (prefix == NULL)
		h->public.content_ns = h->decl[h->decls - 1].uri;
	if (strcmp(uri, NS_DIALBACK) == 0)
		h->public.dialback = true;
}

void
header_start(struct parser *p, const char *name, const char **attrs)
{
	struct header *h = p->header;
	const struct { const char *name, **value; } want[] = {
		{ "from", &h->public.from }, { "to", &h->public.to }, { "id", &h->public.id },
		{ "version", &h->public.version }, { XML_NS_XML "\x01lang", &h->public.lang },
	};
	size_t ns_len;
	const char *local = build_local(name, &ns_len);

	if (h->public.name != NULL) {           /* a second element within what was to be one tag */
		build_fail(p, XML_NOT_WELL_FORMED);
		return;
	}
	h->public.ns = sc_copy_n(h->arena, name, ns_len);
	h->public.name = sc_copy(h->arena, local);
	for (unsigned n = 0; attrs[0] != NULL; attrs += 2, n++) {
		if (n == p->limits->attributes || strlen(attrs[0]) > 5u * p->limits->name_bytes) {
			build_fail(p, XML_TOO_BIG);
			return;
		}
		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
			if (strcmp(attrs[0], want[i].name) == 0)
				*want[i].value = sc_copy(h->arena, attrs[1]);
	}
}

static int
by_prefix(const void *a, const void *b)
{
	const char *p = ((const struct decl *)a)->prefix, *q = ((const struct decl *)b)->prefix;

	return p == NULL ? -1 : q == NULL ? 1 : strcmp(p, q);
}

static void
write_open(struct buf *b, const struct header *h)
{
	struct decl sorted[32];

	memcpy(sorted, h->decl, h->decls * sizeof(sorted[0]));
	qsort(sorted, h->decls, sizeof(sorted[0]), by_prefix);
	buf_text(b, "<s");
	for (unsigned i = 0; i < h->decls; i++) {
		buf_text(b, sorted[i].prefix == NULL ? " xmlns" : " xmlns:");
		if (sorted[i].prefix != NULL)
			buf_text(b, sorted[i].prefix);
		xml_write_value(b, sorted[i].uri);
	}
	buf_add(b, ">", 2);     /* with its NUL */
}

/* Content namespaces are known by their constants; whatever else was declared is no content. */
static const char *
content_of(const struct header *h)
{
	static const char *const known[] = { SC_NS_CONTENT, NS_SERVER, NS_COMPONENT };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (sc_same(h->public.content_ns, known[i]))
			return known[i];
	return NULL;
}

const struct stream_ns *
header_ns(const struct header *h, const char *raw, size_t raw_len)
{
	struct stream_ns *own;
	struct buf open = { 0 };

	write_open(&open, h);
	for (size_t i = 0; i < COMMON; i++) {
		if (strcmp(open.p, common[i].open) == 0
		    && sc_span_is((struct sc_span){ raw, raw_len }, common[i].root)) {
			buf_free(&open);
			return &common[i];
		}
	}
	own = mem_new(sizeof(*own) + open.n + raw_len + 1);

	char *text = (char *)(own + 1);

	own->open = memcpy(text, open.p, open.n);
	own->root = memcpy(text + open.n, raw, raw_len);        /* the NUL is there already */
	own->content = own->outer = content_of(h);
	buf_free(&open);
	return own;
}

static bool
is_constant(const struct stream_ns *ns)
{
	return ns == NULL || ns == &header_ns_framed || (ns >= common && ns < common + COMMON);
}

void
header_ns_free(const struct stream_ns **taken)
{
	if (!is_constant(*taken))
		free((void *)(uintptr_t)*taken);
	*taken = NULL;
}

size_t
header_ns_weight(const struct stream_ns *ns)
{
	return is_constant(ns) ? 0 : sizeof(*ns) + strlen(ns->open) + strlen(ns->root) + 2;
}
