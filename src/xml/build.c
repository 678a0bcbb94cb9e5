/* SPDX-License-Identifier: MIT */
/* build: expat's events to a tree in an arena, within the limits. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "xml/build.h"

#define TEXT_KEPT (16 * 1024)   /* of the text buffer between two elements */

const char build_content[] = SC_NS_CONTENT;

void
build_fail(struct parser *p, enum xml_error error)
{
	if (p->failed)
		return;
	p->failed = true;
	p->error = error;
	XML_StopParser(p->expat, XML_FALSE);
}

void
build_failed(struct parser *p)
{
	if (p->failed)          /* we stopped it ourselves */
		return;
	p->failed = true;
	switch (XML_GetErrorCode(p->expat)) {
	case XML_ERROR_UNBOUND_PREFIX:
		p->error = XML_BAD_PREFIX;
		break;
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_AMPLIFICATION_LIMIT_BREACH:
		p->error = XML_RESTRICTED;
		break;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		p->error = XML_BAD_ENCODING;
		break;
	default:
		p->error = XML_NOT_WELL_FORMED;
	}
}

void
build_drop(struct parser *p)
{
	arena_free(p->arena);
	p->arena = NULL;
	p->root = p->around = NULL;
	p->complete = false;
	p->depth = p->decls = 0;
	p->text.n = 0;
}

const char *
build_local(const char *expanded, size_t *ns_len)
{
	const char *at = strchr(expanded, BUILD_SEPARATOR);

	*ns_len = at == NULL ? 0 : (size_t)(at - expanded);
	return at == NULL ? expanded : at + 1;
}

/* A namespace in the arena, once for each as a rule: a peer could make a long one cost its length
 * again with every element. */
static const char *
intern_ns(struct parser *p, const char *ns, size_t n)
{
	const char *inherited = p->around == NULL ? NULL : p->around->ns;

	if (p->content != NULL && strncmp(p->content, ns, n) == 0 && p->content[n] == '\0')
		return build_content;
	if (inherited != NULL && strncmp(inherited, ns, n) == 0 && inherited[n] == '\0')
		return inherited;

	const char **slot = &p->seen[(n + (n > 0 ? (unsigned char)ns[n - 1] : 0)) % NS_SEEN];

	if (*slot == NULL || strncmp(*slot, ns, n) != 0 || (*slot)[n] != '\0')
		*slot = sc_copy_n(p->arena, ns, n);
	return *slot;
}

static void
flush_text(struct parser *p)
{
	if (p->text.n == 0)
		return;
	tree_append(p->around, tree_text(p->arena, p->text.p, p->text.n));
	p->text.n = 0;
}

static bool
name_fits(struct parser *p, const char *local, size_t ns_len)
{
	if (ns_len > 4u * p->limits->name_bytes
	    || strnlen(local, p->limits->name_bytes + 1u) > p->limits->name_bytes) {
		build_fail(p, XML_TOO_BIG);
		return false;
	}
	return true;
}

static void
add_attrs(struct parser *p, struct sc_elem *e, const char **attrs)
{
	struct attr **end = &e->attrs;
	unsigned left = p->limits->attributes;

	for (; attrs[0] != NULL; attrs += 2) {
		size_t ns_len;
		const char *local = build_local(attrs[0], &ns_len);
		struct attr *at;

		if (left-- == 0) {
			build_fail(p, XML_TOO_BIG);
			return;
		}
		if (!name_fits(p, local, ns_len))
			return;
		at = arena_take(p->arena, sizeof(*at), 8);
		*at = (struct attr){ .name = sc_copy(p->arena, local),
			.value = sc_copy(p->arena, attrs[1]) };
		if (ns_len == sizeof(XML_NS_XML) - 1 && memcmp(attrs[0], XML_NS_XML, ns_len) == 0)
			at->ns = XML_NS_XML;
		else if (ns_len > 0)
			at->ns = intern_ns(p, attrs[0], ns_len);
		*end = at;
		end = &at->next;
	}
}

/* Whether the element may begin here, by depth, declarations and weight. */
static bool
start_allowed(struct parser *p)
{
	bool ok = p->depth < p->limits->depth && p->decls <= p->limits->namespaces;

	p->decls = 0;
	if (p->arena == NULL) {
		p->arena = arena_new();
		memset(p->seen, 0, sizeof(p->seen));
	}
	if (!ok || arena_size(p->arena) > BUILD_FREE + BUILD_TIMES * p->bytes) {
		build_fail(p, XML_TOO_BIG);
		return false;
	}
	if (p->complete) {      /* scan.c promised the end; never trust two readers to agree */
		build_fail(p, XML_NOT_WELL_FORMED);
		return false;
	}
	return true;
}

static void XMLCALL
on_start(void *arg, const XML_Char *expanded, const XML_Char **attrs)
{
	struct parser *p = arg;
	size_t ns_len;
	const char *local = build_local(expanded, &ns_len);

	if (p->failed)
		return;
	if (p->mode == BUILD_HEADER) {
		header_start(p, expanded, attrs);
		return;
	}
	if (p->mode == BUILD_PRIMING) {
		p->decls = 0;
		return;
	}
	if (!start_allowed(p) || !name_fits(p, local, ns_len))
		return;
	if (p->around != NULL)
		flush_text(p);

	const char *ns = intern_ns(p, expanded, ns_len);

	if (p->around == NULL && ns != build_content && strcmp(ns, build_content) == 0)
		ns = XML_NS_FOREIGN;

	struct sc_elem *e = tree_elem(p->arena, ns, sc_copy(p->arena, local));

	add_attrs(p, e, attrs);
	if (p->around == NULL)
		p->root = e;
	else
		tree_append(p->around, e);
	p->around = e;
	p->depth++;
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct parser *p = arg;

	(void)name;
	if (p->failed)
		return;
	if (p->mode == BUILD_HEADER) {
		p->header->empty = true;
		return;
	}
	if (p->around == NULL) {        /* the synthetic header's own end */
		build_fail(p, XML_NOT_WELL_FORMED);
		return;
	}
	flush_text(p);
	p->around = p->around->parent;
	p->depth--;
	if (p->around == NULL) {
		p->complete = true;
		p->end = XML_GetCurrentByteIndex(p->expat) + XML_GetCurrentByteCount(p->expat);
		if (p->text.room > TEXT_KEPT)
			buf_free(&p->text);
	}
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int n)
{
	struct parser *p = arg;

	if (p->failed || p->mode != BUILD_ELEMENT)
		return;
	if (p->around == NULL) {
		build_fail(p, XML_BAD_FORMAT);
		return;
	}
	buf_add(&p->text, text, (size_t)n);
}

static void XMLCALL
on_declare(void *arg, const XML_Char *prefix, const XML_Char *uri)
{
	struct parser *p = arg;

	p->decls++;
	if (!p->failed && p->mode == BUILD_HEADER)
		header_declare(p, prefix, uri == NULL ? "" : uri);
}

static void XMLCALL
on_xml(void *arg, const XML_Char *version, const XML_Char *encoding, int standalone)
{
	struct parser *p = arg;

	(void)standalone;
	if (version == NULL || p->mode != BUILD_HEADER)
		build_fail(p, XML_RESTRICTED);
	else if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
		build_fail(p, XML_BAD_ENCODING);
}

/* scan.c lets none of these through; they stand here so that expat alone would be safe as well. */
static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
	int internal)
{
	(void)name, (void)sysid, (void)pubid, (void)internal;
	build_fail(arg, XML_RESTRICTED);
}

static void XMLCALL
on_pi(void *arg, const XML_Char *target, const XML_Char *data)
{
	(void)target, (void)data;
	build_fail(arg, XML_RESTRICTED);
}

static void XMLCALL
on_comment(void *arg, const XML_Char *data)
{
	(void)data;
	build_fail(arg, XML_RESTRICTED);
}

static void XMLCALL
on_skipped(void *arg, const XML_Char *name, int parameter)
{
	(void)name, (void)parameter;
	build_fail(arg, XML_RESTRICTED);
}

void
build_handlers(struct parser *p)
{
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, on_start, on_end);
	XML_SetCharacterDataHandler(p->expat, on_text);
	XML_SetStartNamespaceDeclHandler(p->expat, on_declare);
	XML_SetXmlDeclHandler(p->expat, on_xml);
	XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);
	XML_SetProcessingInstructionHandler(p->expat, on_pi);
	XML_SetCommentHandler(p->expat, on_comment);
	XML_SetSkippedEntityHandler(p->expat, on_skipped);
}
