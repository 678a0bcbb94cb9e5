/* SPDX-License-Identifier: MIT */
/* edit: making and changing stanzas. Only the owner does, and only before sealing. */
#include "config.h"

#include <string.h>

#include "xmpp/types.h"
#include <stonechat/log.h>

/* A removed attribute costs its bytes until the arena goes. */
static void
remove_attr(struct sc_elem *e, const char *name)
{
	for (struct attr **at = &e->attrs; *at != NULL; at = &(*at)->next) {
		if ((*at)->ns == NULL && strcmp((*at)->name, name) == 0) {
			*at = (*at)->next;
			return;
		}
	}
}

/* name and value are lent for as long as the arena lives; NULL removes. */
static void
set_lent(struct sc_stanza *s, struct sc_elem *e, const char *name, const char *value)
{
	if (value == NULL) {
		remove_attr(e, name);
		return;
	}
	for (struct attr *at = e->attrs; at != NULL; at = at->next) {
		if (at->ns == NULL && strcmp(at->name, name) == 0) {
			at->value = value;
			return;
		}
	}
	tree_attr(s->arena, e, NULL, name, value);
}

void
stanza_set_address(struct sc_stanza *s, const char *name, const struct sc_jid **field,
	const struct sc_jid *jid)
{
	*field = jid;
	set_lent(s, s->root, name, jid == NULL ? NULL : jid->text);
}

void
sc_set_from(struct sc_stanza *s, const struct sc_jid *jid)
{
	sc_assert(!s->sealed);
	stanza_set_address(s, "from", &s->from, sc_jid_dup(s->arena, jid));
}

void
sc_set_to(struct sc_stanza *s, const struct sc_jid *jid)
{
	sc_assert(!s->sealed);
	stanza_set_address(s, "to", &s->to, sc_jid_dup(s->arena, jid));
}

void
sc_set_id(struct sc_stanza *s, const char *id)
{
	sc_assert(!s->sealed);
	s->id = sc_copy(s->arena, id);
	set_lent(s, s->root, "id", s->id);
}

void
sc_set_type(struct sc_stanza *s, enum sc_type type)
{
	sc_assert(!s->sealed);
	s->type = type;
	s->bad_type = false;
	set_lent(s, s->root, "type", type_name(s->kind, type));
}

struct sc_stanza *
sc_stanza_new(enum sc_kind kind, enum sc_type type, const struct sc_jid *from,
	const struct sc_jid *to, const char *id)
{
	struct sc_arena *arena = arena_new();
	struct sc_elem *root = tree_elem(arena, SC_NS_CONTENT, kind_name(kind));
	struct sc_stanza *s = stanza_from_tree(arena, root);

	if (from != NULL)
		sc_set_from(s, from);
	if (to != NULL)
		sc_set_to(s, to);
	sc_set_type(s, type);
	if (id != NULL)
		sc_set_id(s, id);
	return s;
}

struct sc_stanza *
sc_stanza_copy(const struct sc_stanza *from)
{
	struct sc_arena *arena = arena_new();
	struct sc_stanza *s = stanza_from_tree(arena, tree_copy(arena, from->root));

	if (from->from != NULL)
		stanza_set_address(s, "from", &s->from, sc_jid_dup(arena, from->from));
	if (from->to != NULL)
		stanza_set_address(s, "to", &s->to, sc_jid_dup(arena, from->to));
	return s;
}

struct sc_elem *
sc_stanza_root(struct sc_stanza *s)
{
	sc_assert(!s->sealed);
	return s->root;
}

static const char *
own_ns(struct sc_stanza *s, const struct sc_elem *parent, const char *ns)
{
	if (ns == NULL || strcmp(ns, parent->ns) == 0)
		return parent->ns;
	return sc_copy(s->arena, ns);
}

struct sc_elem *
sc_add(struct sc_stanza *s, struct sc_elem *parent, const char *ns, const char *name)
{
	struct sc_elem *e;

	sc_assert(!s->sealed);
	e = tree_elem(s->arena, own_ns(s, parent, ns), sc_copy(s->arena, name));
	tree_append(parent, e);
	return e;
}

/* The root's own attributes also stand in the struct. Addresses have their own functions, because
 * here nobody prepares them. */
static void
root_changed(struct sc_stanza *s, const char *name, const char *value)
{
	sc_assert(strcmp(name, "from") != 0 && strcmp(name, "to") != 0);
	if (strcmp(name, "id") == 0)
		s->id = value;
	else if (strcmp(name, "type") == 0)
		stanza_read_type(s);
}

void
sc_set_attr(struct sc_stanza *s, struct sc_elem *e, const char *name, const char *value)
{
	sc_assert(!s->sealed);
	value = sc_copy(s->arena, value);
	set_lent(s, e, sc_copy(s->arena, name), value);
	if (e == s->root)
		root_changed(s, name, value);
}

void
sc_add_text(struct sc_stanza *s, struct sc_elem *e, const char *text)
{
	sc_assert(!s->sealed);
	if (text != NULL && text[0] != '\0')
		tree_append(e, tree_text(s->arena, text, strlen(text)));
}

struct sc_elem *
sc_add_with_text(struct sc_stanza *s, struct sc_elem *parent, const char *ns, const char *name,
	const char *text)
{
	struct sc_elem *e = sc_add(s, parent, ns, name);

	sc_add_text(s, e, text);
	return e;
}

struct sc_elem *
sc_add_copy(struct sc_stanza *s, struct sc_elem *parent, const struct sc_elem *from)
{
	struct sc_elem *e;

	sc_assert(!s->sealed);
	e = tree_copy(s->arena, from);
	tree_append(parent, e);
	return e;
}

struct sc_elem *
sc_add_stanza(struct sc_stanza *s, struct sc_elem *parent, const struct sc_stanza *from)
{
	struct sc_elem *e = sc_add_copy(s, parent, from->root);

	if (from->base != NULL)
		set_lent(s, e, "to", sc_copy(s->arena, stanza_to_text(from)));
	return e;
}

int
sc_remove_children(struct sc_stanza *s, bool (*test)(const struct sc_elem *, void *arg), void *arg)
{
	struct sc_elem *e, *next;
	int removed = 0;

	sc_assert(!s->sealed);
	for (e = s->root->first; e != NULL; e = next) {
		next = e->next;
		if (e->name != NULL && test(e, arg)) {
			tree_unlink(e);
			removed++;
		}
	}
	return removed;
}

void
sc_add_delay(struct sc_stanza *s, const struct sc_jid *by, int64_t wall_us)
{
	struct sc_elem *delay = sc_add(s, s->root, SC_NS_DELAY, "delay");

	if (by != NULL)
		sc_set_attr(s, delay, "from", by->text);
	set_lent(s, delay, "stamp", sc_timestamp(s->arena, wall_us));
}
