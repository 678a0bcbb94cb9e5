/* SPDX-License-Identifier: MIT */
/*
 * write: trees to bytes. Every element whose namespace is not that of the element around it
 * declares it as the default, so prefixes are needed for attributes only.
 */
#include "config.h"

#include <string.h>

#include "xml/xml.h"

enum { PLAIN, ALWAYS, IN_ATTR };

/* The five of XML everywhere; what a parser would turn into spaces only where it would. */
static const unsigned char class[256] = {
	['<'] = ALWAYS, ['>'] = ALWAYS, ['&'] = ALWAYS, ['\''] = ALWAYS, ['"'] = ALWAYS,
	['\r'] = ALWAYS, ['\n'] = IN_ATTR, ['\t'] = IN_ATTR,
};

static const char *
escaped(char c)
{
	switch (c) {
	case '<':  return "&lt;";
	case '>':  return "&gt;";
	case '&':  return "&amp;";
	case '\'': return "&apos;";
	case '"':  return "&quot;";
	case '\r': return "&#xD;";
	case '\n': return "&#xA;";
	default:   return "&#x9;";
	}
}

/* The first byte from p on that may need an escape, or the end. */
static inline const char *
harmless(const char *p, const char *end)
{
	while (end - p >= 4) {
		if ((class[(unsigned char)p[0]] | class[(unsigned char)p[1]]
		    | class[(unsigned char)p[2]] | class[(unsigned char)p[3]]) != PLAIN)
			break;
		p += 4;
	}
	while (p < end && class[(unsigned char)*p] == PLAIN)
		p++;
	return p;
}

static void
write_escaped(struct buf *b, const char *p, size_t n, bool attr)
{
	const char *end = p + n, *run = p;

	while ((p = harmless(p, end)) < end) {
		if (class[(unsigned char)*p] == ALWAYS || attr) {
			buf_add(b, run, (size_t)(p - run));
			buf_text(b, escaped(*p));
			run = p + 1;
		}
		p++;
	}
	buf_add(b, run, (size_t)(end - run));
}

static void
put(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->n++] = c;
}

void
xml_write_text(struct buf *b, const char *text, size_t n)
{
	write_escaped(b, text, n, false);
}

void
xml_write_value_n(struct buf *b, const char *value, size_t n)
{
	write_escaped(b, value, n, true);
}

void
xml_write_value(struct buf *b, const char *value)
{
	buf_add(b, "='", 2);
	write_escaped(b, value, strlen(value), true);
	put(b, '\'');
}

void
xml_write_attr(struct buf *b, const char *name, const char *value)
{
	put(b, ' ');
	buf_text(b, name);
	xml_write_value(b, value);
}

void
xml_write_attrs(struct buf *b, const struct sc_elem *e, const char *skip)
{
	unsigned prefix = 0;

	for (const struct attr *at = e->attrs; at != NULL; at = at->next) {
		if (at->ns == NULL) {
			if (skip == NULL || strcmp(at->name, skip) != 0)
				xml_write_attr(b, at->name, at->value);
			continue;
		}
		if (strcmp(at->ns, XML_NS_XML) == 0) {
			buf_add(b, " xml:", 5);
		} else {
			buf_format(b, " xmlns:a%u", prefix);
			xml_write_value(b, at->ns);
			buf_format(b, " a%u:", prefix++);
		}
		buf_text(b, at->name);
		xml_write_value(b, at->value);
	}
}

static void
open_tag(struct buf *b, const struct sc_elem *e, const char *around)
{
	put(b, '<');
	buf_text(b, e->name);
	if (e->ns != around && strcmp(e->ns, around) != 0)
		xml_write_attr(b, "xmlns", e->ns);
	xml_write_attrs(b, e, NULL);
	if (e->first == NULL)
		put(b, '/');
	put(b, '>');
}

static void
close_tag(struct buf *b, const struct sc_elem *e)
{
	buf_add(b, "</", 2);
	buf_text(b, e->name);
	put(b, '>');
}

static void
node(struct buf *b, const struct sc_elem *e, const char *around)
{
	if (e->name == NULL)
		xml_write_text(b, e->text, e->text_len);
	else
		open_tag(b, e, around);
}

void
xml_write(struct buf *b, const struct sc_elem *top, const char *around)
{
	const struct sc_elem *at = top;

	node(b, top, around);
	for (;;) {
		if (at->first != NULL) {
			node(b, at->first, at->ns);
			at = at->first;
			continue;
		}
		while (at != top && at->next == NULL) {
			at = at->parent;
			close_tag(b, at);
		}
		if (at == top)
			return;
		node(b, at->next, at->parent->ns);
		at = at->next;
	}
}
