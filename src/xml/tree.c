/* SPDX-License-Identifier: MIT */
/* tree: elements, attributes and text; building, reading, copying, walking. */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "xml/tree.h"

struct sc_elem *
tree_elem(struct sc_arena *a, const char *ns, const char *name)
{
	struct sc_elem *e = arena_take(a, sizeof(*e), 8);

	*e = (struct sc_elem){ .ns = ns, .name = name };
	return e;
}

struct sc_elem *
tree_text(struct sc_arena *a, const char *text, size_t n)
{
	struct sc_elem *e = arena_take(a, sizeof(*e), 8);

	*e = (struct sc_elem){ .text = sc_copy_n(a, text, n), .text_len = (uint32_t)n };
	return e;
}

void
tree_append(struct sc_elem *parent, struct sc_elem *child)
{
	child->parent = parent;
	child->next = NULL;
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
}

void
tree_unlink(struct sc_elem *child)
{
	struct sc_elem *parent = child->parent, *before = NULL;

	if (parent == NULL)
		return;
	for (struct sc_elem *e = parent->first; e != child; e = e->next)
		before = e;
	if (before == NULL)
		parent->first = child->next;
	else
		before->next = child->next;
	if (parent->last == child)
		parent->last = before;
	child->parent = child->next = NULL;
}

struct attr *
tree_attr(struct sc_arena *a, struct sc_elem *e, const char *ns, const char *name,
	const char *value)
{
	struct attr **end = &e->attrs, *attr = arena_take(a, sizeof(*attr), 8);

	while (*end != NULL)
		end = &(*end)->next;
	*attr = (struct attr){ .ns = ns, .name = name, .value = value };
	*end = attr;
	return attr;
}

const struct sc_elem *
tree_walk(const struct sc_elem *top, const struct sc_elem *at)
{
	if (at->first != NULL)
		return at->first;
	while (at != top && at->next == NULL)
		at = at->parent;
	return at == top ? NULL : at->next;
}

/* A namespace of the copy: that of the element around it when it is the same, else a new string. */
static const char *
copy_ns(struct sc_arena *a, const struct sc_elem *around, const char *ns)
{
	if (ns == NULL)
		return NULL;
	if (strcmp(ns, SC_NS_CONTENT) == 0)
		return SC_NS_CONTENT;
	if (around != NULL && strcmp(around->ns, ns) == 0)
		return around->ns;
	return sc_copy(a, ns);
}

static struct sc_elem *
copy_one(struct sc_arena *a, const struct sc_elem *around, const struct sc_elem *from)
{
	if (from->name == NULL)
		return tree_text(a, from->text, from->text_len);

	struct sc_elem *to = tree_elem(a, copy_ns(a, around, from->ns), sc_copy(a, from->name));
	struct attr **end = &to->attrs;

	for (const struct attr *at = from->attrs; at != NULL; at = at->next) {
		struct attr *copy = arena_take(a, sizeof(*copy), 8);

		*copy = (struct attr){ .ns = sc_copy(a, at->ns), .name = sc_copy(a, at->name),
			.value = sc_copy(a, at->value) };
		*end = copy;
		end = &copy->next;
	}
	return to;
}

struct sc_elem *
tree_copy(struct sc_arena *a, const struct sc_elem *top)
{
	struct sc_elem *copy = copy_one(a, NULL, top), *around = copy;
	const struct sc_elem *at = top;

	while (at != NULL) {
		struct sc_elem *child;

		if (at->first != NULL) {
			at = at->first;
		} else {
			while (at != top && at->next == NULL) {
				at = at->parent;
				around = around->parent;
			}
			if (at == top)
				break;
			at = at->next;
		}
		child = copy_one(a, around, at);
		tree_append(around, child);
		if (at->first != NULL)
			around = child;
	}
	return copy;
}

const char *
sc_ns(const struct sc_elem *e)
{
	return e->ns;
}

const char *
sc_name(const struct sc_elem *e)
{
	return e->name;
}

bool
sc_is(const struct sc_elem *e, const char *ns, const char *name)
{
	return e != NULL && e->name != NULL && strcmp(e->name, name) == 0 && strcmp(e->ns, ns) == 0;
}

const char *
sc_attr_ns(const struct sc_elem *e, const char *ns, const char *name)
{
	if (e == NULL)
		return NULL;
	for (const struct attr *at = e->attrs; at != NULL; at = at->next)
		if (strcmp(at->name, name) == 0 && sc_same(at->ns, ns))
			return at->value;
	return NULL;
}

const char *
sc_attr(const struct sc_elem *e, const char *name)
{
	return sc_attr_ns(e, NULL, name);
}

static const struct sc_elem *
this_or_later(const struct sc_elem *e)
{
	while (e != NULL && e->name == NULL)
		e = e->next;
	return e;
}

const struct sc_elem *
sc_first(const struct sc_elem *e)
{
	return e == NULL ? NULL : this_or_later(e->first);
}

const struct sc_elem *
sc_next(const struct sc_elem *e)
{
	return this_or_later(e->next);
}

const struct sc_elem *
sc_child(const struct sc_elem *parent, const char *ns, const char *name)
{
	for (const struct sc_elem *e = sc_first(parent); e != NULL; e = sc_next(e))
		if (strcmp(e->ns, ns) == 0 && (name == NULL || strcmp(e->name, name) == 0))
			return e;
	return NULL;
}

const char *
sc_text_in(struct sc_arena *a, const struct sc_elem *e)
{
	const struct sc_elem *only = NULL;
	size_t n = 0, pieces = 0;

	if (e == NULL)
		return "";
	for (const struct sc_elem *t = e->first; t != NULL; t = t->next) {
		if (t->name == NULL) {
			only = t;
			n += t->text_len;
			pieces++;
		}
	}
	if (pieces < 2)
		return only == NULL ? "" : only->text;

	char *text = arena_take(a, n + 1, 1), *at = text;

	for (const struct sc_elem *t = e->first; t != NULL; t = t->next) {
		if (t->name == NULL) {
			memcpy(at, t->text, t->text_len);
			at += t->text_len;
		}
	}
	*at = '\0';
	return text;
}
