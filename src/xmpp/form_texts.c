/* SPDX-License-Identifier: MIT */
/* form_texts: a struct's value as the texts that stand in a form. */
#include "config.h"

#include <string.h>

#include "xmpp/form.h"

static const char *const *
one(struct sc_arena *arena, const char *text)
{
	const char **list = sc_alloc(arena, 2 * sizeof(*list));

	list[0] = text;
	return list;
}

static const char *const *
lines(struct sc_arena *arena, const char *text)
{
	const char **list;
	size_t n = 1, i = 0;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	list = sc_alloc(arena, (n + 1) * sizeof(*list));
	while (i < n) {
		size_t length = strcspn(text, "\n");

		list[i++] = sc_copy_n(arena, text, length);
		text += length + 1;
	}
	return list;
}

static const char *const *
choices(struct sc_arena *arena, const struct sc_option *options, unsigned bits)
{
	const char **list = sc_alloc(arena, (8 * sizeof(bits) + 1) * sizeof(*list));
	int n = 0;

	for (int i = 0; options[i].value != NULL; i++)
		if ((bits & 1u << i) != 0)
			list[n++] = options[i].value;
	return list;
}

static const char *const *
jids(struct sc_arena *arena, const struct sc_jid *const *from)
{
	const char **list;
	size_t n = 0;

	while (from != NULL && from[n] != NULL)
		n++;
	list = sc_alloc(arena, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = from[i]->text;
	return list;
}

const char *const *
sc_field_texts(struct sc_arena *arena, const struct sc_field *row, const void *values)
{
	static const char *const none[] = { NULL };
	const void *place = (const char *)values + row->offset;
	const char *text;
	const struct sc_jid *jid;

	switch (row->as) {
	case SC_FIELD_AS_BOOL:
		return one(arena, *(const bool *)place ? "1" : "0");
	case SC_FIELD_AS_NUMBER:
		return one(arena, sc_format(arena, "%lld", (long long)*(const int64_t *)place));
	case SC_FIELD_AS_TIME:
		return one(arena, sc_timestamp(arena, *(const int64_t *)place));
	case SC_FIELD_AS_TEXT:
		text = *(const char *const *)place;
		if (text == NULL)
			return none;
		return row->kind == SC_FIELD_K_TEXT_MULTI ? lines(arena, text) : one(arena, text);
	case SC_FIELD_AS_TEXTS:
		return *(const char *const *const *)place == NULL ? none
			: *(const char *const *const *)place;
	case SC_FIELD_AS_CHOICE:
		return one(arena, row->options[*(const int *)place].value);
	case SC_FIELD_AS_CHOICES:
		return choices(arena, row->options, *(const unsigned *)place);
	case SC_FIELD_AS_JID:
		jid = *(const struct sc_jid *const *)place;
		return jid == NULL ? none : one(arena, jid->text);
	case SC_FIELD_AS_JIDS:
		return jids(arena, *(const struct sc_jid *const *const *)place);
	case SC_FIELD_AS_OWN:
		return row->get(arena, values);
	case SC_FIELD_AS_NOTHING:
		break;
	}
	return row->label == NULL ? none : one(arena, row->label);
}
