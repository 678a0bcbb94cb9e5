/* SPDX-License-Identifier: MIT */
/*
 * stanza: wrapping trees, reading and counting stanzas. Changing them is edit.c's, bytes are
 * wire.c's.
 */
#include "config.h"

#include <string.h>

#include "xml/xml.h"
#include "xmpp/stanza.h"
#include "xmpp/types.h"
#include <stonechat/log.h>

/* Which types a kind knows, by its names on the wire; NULL name: the attribute is absent. */
static const struct {
	uint8_t kind, type;
	const char *name;
} types[] = {
	{ SC_MESSAGE, SC_TYPE_NORMAL, NULL }, { SC_MESSAGE, SC_TYPE_NORMAL, "normal" },
	{ SC_MESSAGE, SC_TYPE_CHAT, "chat" }, { SC_MESSAGE, SC_TYPE_GROUPCHAT, "groupchat" },
	{ SC_MESSAGE, SC_TYPE_HEADLINE, "headline" }, { SC_MESSAGE, SC_TYPE_ERROR, "error" },
	{ SC_PRESENCE, SC_TYPE_AVAILABLE, NULL }, { SC_PRESENCE, SC_TYPE_UNAVAILABLE,
		"unavailable" },
	{ SC_PRESENCE, SC_TYPE_SUBSCRIBE, "subscribe" },
	{ SC_PRESENCE, SC_TYPE_SUBSCRIBED, "subscribed" },
	{ SC_PRESENCE, SC_TYPE_UNSUBSCRIBE, "unsubscribe" },
	{ SC_PRESENCE, SC_TYPE_UNSUBSCRIBED, "unsubscribed" },
	{ SC_PRESENCE, SC_TYPE_PROBE, "probe" }, { SC_PRESENCE, SC_TYPE_ERROR, "error" },
	{ SC_IQ, SC_TYPE_GET, "get" }, { SC_IQ, SC_TYPE_SET, "set" },
	{ SC_IQ, SC_TYPE_RESULT, "result" }, { SC_IQ, SC_TYPE_ERROR, "error" },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static const char *const kind_names[] = { "message", "presence", "iq" };

const char *
kind_name(enum sc_kind kind)
{
	sc_assert(kind < SC_NONZA);
	return kind_names[kind];
}

const char *
type_name(enum sc_kind kind, enum sc_type type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].kind == kind && types[i].type == type)
			return types[i].name;
	sc_assert(!"a type that the kind does not have");
	return NULL;
}

static enum sc_kind
kind_of(const struct sc_elem *root)
{
	if (strcmp(root->ns, SC_NS_CONTENT) != 0)
		return SC_NONZA;
	for (enum sc_kind kind = SC_MESSAGE; kind < SC_NONZA; kind++)
		if (strcmp(root->name, kind_names[kind]) == 0)
			return kind;
	return SC_NONZA;
}

void
stanza_read_type(struct sc_stanza *s)
{
	const char *name = sc_attr(s->root, "type");

	s->bad_type = false;
	for (size_t i = 0; i < TYPES; i++) {
		if (types[i].kind == s->kind && sc_same(types[i].name, name)) {
			s->type = types[i].type;
			return;
		}
	}
	s->bad_type = s->kind != SC_NONZA;
	s->type = s->kind == SC_PRESENCE ? SC_TYPE_AVAILABLE
		: s->kind == SC_IQ ? SC_TYPE_GET : SC_TYPE_NORMAL;
}

struct sc_stanza *
stanza_from_tree(struct sc_arena *taken, struct sc_elem *root)
{
	struct sc_stanza *s = sc_alloc(taken, sizeof(*s));

	s->arena = taken;
	s->root = root;
	s->refs = 1;
	s->kind = kind_of(root);
	s->id = sc_attr(root, "id");
	s->lang = sc_attr_ns(root, XML_NS_XML, "lang");
	stanza_read_type(s);
	return s;
}

bool
stanza_addresses(struct sc_stanza *s, bool *bad_from, bool *bad_to)
{
	const char *from = sc_attr(s->root, "from"), *to = sc_attr(s->root, "to");
	const struct sc_jid *jid;

	*bad_from = *bad_to = false;
	if (from != NULL) {
		jid = sc_jid(s->arena, from);
		if (jid == NULL)
			*bad_from = true;
		else
			stanza_set_address(s, "from", &s->from, jid);
	}
	if (to != NULL) {
		jid = sc_jid(s->arena, to);
		if (jid == NULL)
			*bad_to = true;
		else
			stanza_set_address(s, "to", &s->to, jid);
	}
	return !*bad_from && !*bad_to;
}

struct sc_stanza *
sc_stanza_read(const char *text, size_t n)
{
	struct sc_arena *arena;
	struct sc_elem *root;
	struct sc_stanza *s;
	bool bad_from, bad_to;

	if (!xml_read(text, n, &arena, &root))
		return NULL;
	s = stanza_from_tree(arena, root);
	if (s->kind == SC_NONZA || !stanza_addresses(s, &bad_from, &bad_to))
		sc_stanza_free(&s);
	return s;
}

struct sc_stanza *
sc_ref(const struct sc_stanza *lent)
{
	struct sc_stanza *s = (struct sc_stanza *)(uintptr_t)lent;

	sc_assert(s->sealed);
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
sc_stanza_free(struct sc_stanza **taken)
{
	struct sc_stanza *s = *taken;

	*taken = NULL;
	if (s == NULL)
		return;

	int was = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);

	sc_assert(was > 0);
	if (was > 1)
		return;
	if (s->base != NULL)
		sc_stanza_free(&s->base);       /* never more than one deep: readdress.c */
	arena_free(s->arena);
}

size_t
stanza_weight(const struct sc_stanza *s)
{
	return arena_size(s->arena);
}

enum sc_kind
sc_kind(const struct sc_stanza *s)
{
	return s->kind;
}

enum sc_type
sc_type(const struct sc_stanza *s)
{
	return s->type;
}

const char *
sc_id(const struct sc_stanza *s)
{
	return s->id;
}

const struct sc_jid *
sc_from(const struct sc_stanza *s)
{
	return s->from;
}

const struct sc_jid *
sc_to(const struct sc_stanza *s)
{
	return s->to;
}

const char *
stanza_to_text(const struct sc_stanza *s)
{
	if (s->to != NULL || s->base != NULL)
		return s->to == NULL ? NULL : s->to->text;
	return sc_attr(s->root, "to");
}

const char *
sc_lang(const struct sc_stanza *s)
{
	return s->lang;
}

const struct sc_elem *
sc_root(const struct sc_stanza *s)
{
	return s->root;
}

const struct sc_elem *
sc_find(const struct sc_stanza *s, const char *ns, const char *name)
{
	return sc_child(s->root, ns, name);
}

const struct sc_elem *
sc_payload(const struct sc_stanza *s)
{
	const struct sc_elem *e = sc_first(s->root);

	while (e != NULL && sc_is(e, SC_NS_CONTENT, "error"))
		e = sc_next(e);
	return e;
}

struct sc_arena *
sc_stanza_arena(struct sc_stanza *s)
{
	sc_assert(!s->sealed);
	return s->arena;
}
