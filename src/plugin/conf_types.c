/* SPDX-License-Identifier: MIT */
/* conf_types: turns one written value into one field, or says in a sentence why not. */
#include "config.h"

#include "plugin/conf_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_MAX 65536

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit sizes[] = {
	{ "B", 1 }, { "KiB", 1LL << 10 }, { "MiB", 1LL << 20 }, { "GiB", 1LL << 30 },
	{ "TiB", 1LL << 40 }, { NULL, 0 }
};
static const struct unit times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	{ "w", 604800000 }, { NULL, 0 }
};

const char *
conf_at(struct conf_reader *r, const config_setting_t *at)
{
	char where[4200];
	int line = 0;

	/* Elements of lists have no line of their own when they are written before their list
	 * is. */
	for (const config_setting_t *s = at; s != NULL && line == 0; s = config_setting_parent(s))
		line = (int)config_setting_source_line(s);
	conf_source_where(r->source, line, where, sizeof(where));
	return sc_copy(r->arena, where);
}

bool
conf_refuse(struct conf_reader *r, const config_setting_t *at, const char *fmt, ...)
{
	va_list ap;
	char sentence[1024];

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	if (at != NULL)
		snprintf(r->error, r->error_size, "%s: %s", conf_at(r, at), sentence);
	else
		snprintf(r->error, r->error_size, "%s", sentence);
	return false;
}

/* --- numbers with units --- */

static const struct unit *
find_unit(const struct unit *units, const char *p, size_t n)
{
	for (; units->name != NULL; units++)
		if (strlen(units->name) == n && strncmp(units->name, p, n) == 0)
			return units;
	return NULL;
}

static const char *
unit_list(struct sc_arena *a, const struct unit *units)
{
	const char *list = units->name;

	while ((++units)->name != NULL)
		list = sc_format(a, "%s%s%s", list, units[1].name ? ", " : " or ", units->name);
	return list;
}

/* "10MiB", "1h 30m": sums of number and unit. bare_ok: a lone number counts the smallest unit.
 * NULL, or what is wrong. */
static const char *
read_units(struct sc_arena *a, const char *text, const struct unit *units, bool bare_ok,
	int64_t *out)
{
	const char *p = text;

	*out = 0;
	do {
		const struct unit *unit;
		int64_t number, part;
		size_t n;
		char *end;

		if (*p < '0' || *p > '9')
			return sc_format(a, "must be a number and a unit (%s), not \"%.40s\"",
				unit_list(a, units), text);
		errno = 0;
		number = strtoll(p, &end, 10);
		if (errno != 0)
			return "is too large";
		end += strspn(end, " ");
		n = strcspn(end, " 0123456789");
		unit = find_unit(units, end, n);
		if (unit == NULL && n == 0 && p == text && (bare_ok || number == 0))
			unit = units;
		if (unit == NULL && n == 0)
			return sc_format(a, "needs a unit (%s), not \"%.40s\"",
				unit_list(a, units), text);
		if (unit == NULL)
			return sc_format(a, "has the unit \"%.*s\", which is none of %s",
				(int)(n > 10 ? 10 : n), end, unit_list(a, units));
		if (__builtin_mul_overflow(number, unit->factor, &part) ||
		    __builtin_add_overflow(*out, part, out))
			return "is too large";
		p = end + n;
		p += strspn(p, " ");
	} while (*p != '\0');
	return NULL;
}

/* --- one value as text or number into the field; `why` or NULL --- */

static const char *
put_number(struct conf_reader *r, const struct sc_key *key, int64_t number, void *into)
{
	bool free_range = key->min == 0 && key->max == 0;

	if ((free_range && key->type != SC_CONF_T_INT && number < 0) ||
	    (!free_range && (number < key->min || number > key->max)))
		return free_range ? "must not be negative"
			: sc_format(r->arena, "must be between %s and %s",
			conf_number_text(r->arena, key->type, key->min),
				conf_number_text(r->arena, key->type, key->max));
	*(int64_t *)(void *)((char *)into + key->offset) = number;
	return NULL;
}

/* Which of the key's words it is; -1: none of them, and `near` knows which come close. */
static int
word_index(struct conf_reader *r, const struct sc_key *key, const char *text,
	struct conf_near *near)
{
	const char *p = key->words ? key->words : "";

	*near = (struct conf_near){ .wanted = text };
	for (int i = 0; *p != '\0'; i++) {
		size_t n = strcspn(p, " ");
		char *word = sc_copy_n(r->arena, p, n);

		if (strcmp(word, text) == 0)
			return i;
		conf_near_try(near, word);
		p += n;
		p += strspn(p, " ");
	}
	return -1;
}

static const char *
put_enum(struct conf_reader *r, const struct sc_key *key, const char *text, void *into)
{
	struct conf_near near;
	int i = word_index(r, key, text, &near);

	if (i >= 0) {
		*(int *)(void *)((char *)into + key->offset) = i;
		return NULL;
	}
	return sc_format(r->arena, "is \"%.60s\", which is none of: %s%s", text, key->words,
		conf_near_text(r->arena, &near));
}

static const char *
put_units(struct conf_reader *r, const struct sc_key *key, const char *text, void *into)
{
	int64_t number;
	bool size = key->type == SC_CONF_T_SIZE;
	struct conf_near near;
	int word = word_index(r, key, text, &near);
	const char *why;

	if (word >= 0) {
		*(int64_t *)(void *)((char *)into + key->offset) = SC_CONF_WORD(word);
		return NULL;
	}
	why = read_units(r->arena, text, size ? sizes : times, size, &number);
	if (why != NULL && key->words != NULL)
		return sc_format(r->arena, "%s, or one of: %s%s", why, key->words,
			conf_near_text(r->arena, &near));
	return why ? why : put_number(r, key, number, into);
}

static void
put_pointer(const struct sc_key *key, const void *p, void *into)
{
	*(const void **)(void *)((char *)into + key->offset) = p;
}

/* --- from the file --- */

bool
conf_read_text(struct conf_reader *r, const config_setting_t *s, const char **out)
{
	if (config_setting_type(s) != CONFIG_TYPE_STRING)
		return false;
	*out = sc_copy(r->arena, config_setting_get_string(s));
	return true;
}

bool
conf_words(struct conf_reader *r, const config_setting_t *s, const char *const **out)
{
	int n = config_setting_length(s);
	const char **words;

	if (config_setting_type(s) != CONFIG_TYPE_LIST &&
	    config_setting_type(s) != CONFIG_TYPE_ARRAY)
		return false;
	words = sc_alloc(r->arena, (size_t)(n + 1) * sizeof(*words));
	for (int i = 0; i < n; i++)
		if (!conf_read_text(r, config_setting_get_elem(s, (unsigned)i), &words[i]))
			return false;
	*out = words;
	return true;
}

static bool
number_of(const config_setting_t *s, int64_t *out)
{
	int type = config_setting_type(s);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return false;
	*out = type == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);
	return true;
}

static const char *
read_time_or_size(struct conf_reader *r, const struct sc_key *key, const config_setting_t *s,
	void *into)
{
	int64_t number;
	const char *text;

	if (conf_read_text(r, s, &text))
		return put_units(r, key, text, into);
	if (key->type == SC_CONF_T_SIZE)
		return number_of(s, &number) ? put_number(r, key, number, into)
			: "must be a size such as \"10MiB\"";
	/* Seconds or milliseconds? Whoever wrote it knows, the reader of the file does not. Zero is
	 * zero. */
	if (number_of(s, &number) && number != 0)
		return sc_format(r->arena, "needs a unit: \"%" PRId64 "s\", \"%" PRId64 "ms\", \"%"
			PRId64 "m\" …", number, number, number);
	return number_of(s, &number) ? put_number(r, key, number, into)
		: "must be a time such as \"30s\" or \"12h\"";
}

static const char *
read_value(struct conf_reader *r, const struct sc_key *key, const config_setting_t *s, void *into)
{
	const char *text;
	const char *const *words;
	int64_t number;

	switch (key->type) {
	case SC_CONF_T_INT:
		return number_of(s, &number) ? put_number(r, key, number, into)
			: "must be a whole number, without quotes";
	case SC_CONF_T_BOOL:
		if (config_setting_type(s) != CONFIG_TYPE_BOOL)
			return "must be true or false, without quotes";
		*(bool *)((char *)into + key->offset) = config_setting_get_bool(s) != 0;
		return NULL;
	case SC_CONF_T_TEXT:
	case SC_CONF_T_SECRET:
		if (!conf_read_text(r, s, &text))
			return "must be a text in quotes";
		put_pointer(key, text, into);
		return NULL;
	case SC_CONF_T_SIZE:
	case SC_CONF_T_TIME:
		return read_time_or_size(r, key, s, into);
	case SC_CONF_T_ENUM:
		return conf_read_text(r, s, &text) ? put_enum(r, key, text, into)
			: sc_format(r->arena, "must be one of these, in quotes: %s", key->words);
	case SC_CONF_T_LIST:
		if (!conf_words(r, s, &words))
			return "must be a list of texts: ( \"one\", \"two\" )";
		put_pointer(key, words, into);
		return NULL;
	}
	return "has a type that this server does not know";
}

bool
conf_read(struct conf_reader *r, const struct sc_key *key, const config_setting_t *s, void *into)
{
	const char *why = read_value(r, key, s, into);

	return why == NULL || conf_refuse(r, s, "`%s' %s", key->name, why);
}

bool
conf_read_secret(struct conf_reader *r, const struct sc_key *key, const config_setting_t *s,
	void *into)
{
	const char *path;
	char bytes[SECRET_MAX + 1];
	ssize_t n = -1;
	int fd, saved;

	if (!conf_read_text(r, s, &path))
		return conf_refuse(r, s, "`%s_file' must be the path of a file, in quotes",
			key->name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		n = read(fd, bytes, sizeof(bytes));
	saved = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return conf_refuse(r, s, "`%s_file': cannot read %s: %s", key->name, path,
			strerror(saved));
	if (n > SECRET_MAX || memchr(bytes, '\0', (size_t)n) != NULL)
		return conf_refuse(r, s, "`%s_file': %s does not look like a secret",
			key->name, path);
	while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	put_pointer(key, sc_copy_n(r->arena, bytes, (size_t)n), into);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

/* --- the default, as it stands in the table --- */

static const char *
default_words(struct conf_reader *r, const struct sc_key *key, void *into)
{
	const char *p = key->standard ? key->standard : "";
	const char **words = sc_alloc(r->arena, (strlen(p) / 2 + 2) * sizeof(*words));
	int n = 0;

	for (p += strspn(p, " "); *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		words[n++] = sc_copy_n(r->arena, p, len);
		p += len;
	}
	put_pointer(key, words, into);
	return NULL;
}

static const char *
default_value(struct conf_reader *r, const struct sc_key *key, void *into)
{
	const char *text = key->standard;
	char *end;
	int64_t number;

	switch (key->type) {
	case SC_CONF_T_TEXT:
	case SC_CONF_T_SECRET:
		put_pointer(key, sc_copy(r->arena, text), into);
		return NULL;
	case SC_CONF_T_LIST:
		return default_words(r, key, into);
	default:
		break;
	}
	if (text == NULL)
		return NULL;            /* the struct is zeroed */
	switch (key->type) {
	case SC_CONF_T_INT:
		number = strtoll(text, &end, 10);
		return *text != '\0' && *end == '\0' ? put_number(r, key, number, into)
			: "is no number";
	case SC_CONF_T_BOOL:
		*(bool *)((char *)into + key->offset) = strcmp(text, "true") == 0;
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? NULL
			: "is neither true nor false";
	case SC_CONF_T_ENUM:
		return put_enum(r, key, text, into);
	default:
		return put_units(r, key, text, into);
	}
}

bool
conf_default(struct conf_reader *r, const struct sc_key *key, void *into)
{
	const char *why = default_value(r, key, into);

	return why == NULL || conf_refuse(r, NULL, "the default of `%s' in the program's own "
		"table %s", key->name, why);
}
