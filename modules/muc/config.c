/* SPDX-License-Identifier: MIT */
/*
 * config: a room's configuration as a struct, and as the text in groups.config: a line "name=value"
 * for each field, with \n and \\ for line ends and backslashes in texts. Names are never reused.
 */
#include "muc/room.h"

#include <stdlib.h>
#include <string.h>

enum kind { TEXT, BOOL, CHOICE, BITS, NUMBER };

static const struct field {
	const char *name;
	enum kind kind;
	size_t offset;
} fields[] = {
#define FIELD(kind, name) { #name, kind, offsetof(struct room_config, name) }
	FIELD(TEXT, title),
	FIELD(TEXT, description),
	FIELD(TEXT, lang),
	FIELD(TEXT, password),
	FIELD(TEXT, contacts),
	FIELD(TEXT, avatar),
	FIELD(TEXT, hats),
	FIELD(BOOL, persistent),
	FIELD(BOOL, listed),
	FIELD(BOOL, members_only),
	FIELD(BOOL, moderated),
	FIELD(BOOL, with_password),
	FIELD(BOOL, anyone_knows_jids),
	FIELD(BOOL, members_invite),
	FIELD(BOOL, anyone_sets_subject),
	FIELD(BOOL, voice_requests),
	FIELD(BOOL, logging),
	FIELD(BOOL, ticks_name_people),
	FIELD(CHOICE, private_messages),
	FIELD(BITS, shown_roles),
	FIELD(BITS, list_roles),
	FIELD(NUMBER, max_occupants),
	FIELD(NUMBER, history),
	FIELD(NUMBER, slow_seconds),
#undef FIELD
};
#define N_FIELDS (sizeof fields / sizeof *fields)

#define AT(type, c, f) (*(type *)(void *)((char *)(c) + (f)->offset))
#define READ(type, c, f) (*(const type *)(const void *)((const char *)(c) + (f)->offset))

#define ALL_ROLES (1u << ROLE_VISITOR | 1u << ROLE_PARTICIPANT | 1u << ROLE_MODERATOR)

void
config_standard(struct room_config *c, const struct muc_conf *conf)
{
	*c = (struct room_config){
		.persistent = conf->default_persistent,
		.listed = conf->default_listed,
		.members_only = conf->default_members_only,
		.anyone_knows_jids = conf->default_anyone_knows_jids,
		.anyone_sets_subject = false,
		.voice_requests = true,
		.logging = true,
		.ticks_name_people = true,
		.private_messages = WHO_ANYONE,
		.shown_roles = ALL_ROLES,
		.list_roles = ALL_ROLES,
		.history = conf->default_history,
	};
}

void
config_free(struct room_config *c)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (fields[i].kind == TEXT)
			free(AT(char *, c, &fields[i]));
	*c = (struct room_config){ 0 };
}

void
config_copy(struct room_config *to, const struct room_config *from)
{
	*to = *from;
	for (size_t i = 0; i < N_FIELDS; i++) {
		const char *text = fields[i].kind == TEXT ? READ(char *, from, &fields[i]) : NULL;

		if (text != NULL)
			AT(char *, to, &fields[i]) = strdup(text);
	}
}

static char *
escape(struct sc_arena *arena, const char *text)
{
	char *out = sc_alloc(arena, 2 * strlen(text) + 1), *at = out;

	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\\')
			*at++ = '\\';
		*at++ = *text == '\n' ? 'n' : *text;
	}
	return out;
}

static char *
unescape(struct sc_span text)
{
	char *out = malloc(text.n + 1), *at = out;

	sc_assert(out != NULL);
	for (size_t i = 0; i < text.n; i++) {
		bool escaped = text.p[i] == '\\' && i + 1 < text.n;

		if (escaped)
			i++;
		*at++ = escaped && text.p[i] == 'n' ? '\n' : text.p[i];
	}
	*at = '\0';
	return out;
}

static char *
line_of(struct sc_arena *arena, const struct room_config *c, const struct field *f)
{
	switch (f->kind) {
	case TEXT:
		return READ(char *, c, f) == NULL ? "" :
			sc_format(arena, "%s=%s\n", f->name, escape(arena, READ(char *, c, f)));
	case BOOL:
		return sc_format(arena, "%s=%d\n", f->name, READ(bool, c, f));
	case CHOICE:
		return sc_format(arena, "%s=%d\n", f->name, READ(int, c, f));
	case BITS:
		return sc_format(arena, "%s=%u\n", f->name, READ(unsigned, c, f));
	case NUMBER:
		break;
	}
	return sc_format(arena, "%s=%lld\n", f->name, (long long)READ(int64_t, c, f));
}

char *
config_text(struct sc_arena *arena, const struct room_config *c)
{
	char *text = "";

	for (size_t i = 0; i < N_FIELDS; i++)
		text = sc_format(arena, "%s%s", text, line_of(arena, c, &fields[i]));
	return text;
}

static void
read_value(struct room_config *c, const struct field *f, struct sc_span value)
{
	char digits[24] = "";
	uint64_t n = 0;

	if (f->kind == TEXT) {
		free(AT(char *, c, f));
		AT(char *, c, f) = unescape(value);
		return;
	}
	if (value.n >= sizeof digits)
		return;
	memcpy(digits, value.p, value.n);
	if (!sc_read_number(digits, INT64_MAX, &n))
		return;
	switch (f->kind) {
	case BOOL:
		AT(bool, c, f) = n != 0;
		break;
	case CHOICE:
		AT(int, c, f) = (int)n;
		break;
	case BITS:
		AT(unsigned, c, f) = (unsigned)n;
		break;
	default:
		AT(int64_t, c, f) = (int64_t)n;
	}
}

void
config_read(struct room_config *c, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		const char *is = memchr(text, '=', n);

		for (size_t i = 0; is != NULL && i < N_FIELDS; i++) {
			struct sc_span name = { text, (size_t)(is - text) };

			if (sc_span_is(name, fields[i].name))
				read_value(c, &fields[i],
					(struct sc_span){ is + 1, n - name.n - 1 });
		}
		text += n + (text[n] == '\n');
	}
}
