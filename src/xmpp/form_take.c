/* SPDX-License-Identifier: MIT */
/* form_take: the texts of one field, checked and put into its place in a struct. Data that is
 * not valid is not acceptable (XEP-0004 §4). */
#include "config.h"

#include <string.h>

#include "xmpp/form.h"

typedef bool take_fn(struct sc_arena *, const struct sc_field *, const struct form_field *,
	void *place);

bool
sc_form_read_bool(const char *text, bool *out)
{
	bool yes = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "0") != 0 && strcmp(text, "false") != 0)
		return false;
	*out = yes;
	return true;
}

static bool
take_bool(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	(void)arena, (void)row;
	return field->n == 1 && sc_form_read_bool(field->values[0], place);
}

/* xs:integer has a sign; only the range says whether it may be one. */
static bool
take_number(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	const char *text = field->n == 1 ? field->values[0] : "";
	bool minus = text[0] == '-';
	uint64_t size;
	int64_t number;

	(void)arena;
	if (!sc_read_number(text + (minus || text[0] == '+'), INT64_MAX, &size))
		return false;
	number = minus ? -(int64_t)size : (int64_t)size;
	if (number < row->min || number > row->max)
		return false;
	*(int64_t *)place = number;
	return true;
}

static bool
take_time(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	(void)arena, (void)row;
	return field->n == 1 && sc_timestamp_read(field->values[0], place);
}

/* The lines of a text-multi become one text (XEP-0004 §3.3). */
static char *
join(struct sc_arena *arena, const struct form_field *field, size_t most)
{
	size_t need = 1;
	char *text, *at;

	for (int i = 0; i < field->n; i++) {
		need += strlen(field->values[i]) + 1;
		if (need > most + 2)
			return NULL;
	}
	text = at = sc_alloc(arena, need);
	for (int i = 0; i < field->n; i++) {
		size_t n = strlen(field->values[i]);

		if (i > 0)
			*at++ = '\n';
		memcpy(at, field->values[i], n);
		at += n;
	}
	return (size_t)(at - text) > most ? NULL : text;
}

static bool
take_text(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	bool lines = row->kind == SC_FIELD_K_TEXT_MULTI;
	const char *text;

	if (field->n > 1 && !lines)
		return false;
	text = join(arena, field, (size_t)row->max);
	if (text == NULL || (!lines && strpbrk(text, "\r\n") != NULL))
		return false;
	*(const char **)place = text;
	return true;
}

static int
option_index(const struct sc_field *row, const char *value)
{
	for (int i = 0; row->options != NULL && row->options[i].value != NULL; i++)
		if (strcmp(row->options[i].value, value) == 0)
			return i;
	return -1;
}

static bool
take_texts(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	(void)arena;
	if (field->n > row->max)
		return false;
	for (int i = 0; row->options != NULL && i < field->n; i++)
		if (option_index(row, field->values[i]) < 0)
			return false;
	*(const char *const **)place = field->values;
	return true;
}

static bool
take_choice(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	int i = field->n == 1 ? option_index(row, field->values[0]) : -1;

	(void)arena;
	if (i < 0)
		return false;
	*(int *)place = i;
	return true;
}

static bool
take_choices(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	unsigned bits = 0;

	(void)arena;
	for (int i = 0; i < field->n; i++) {
		int at = option_index(row, field->values[i]);

		if (at < 0)
			return false;
		bits |= 1u << at;
	}
	*(unsigned *)place = bits;
	return true;
}

/* An emptied box says that there is none. */
static bool
take_jid(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	const struct sc_jid *jid = NULL;

	(void)row;
	if (field->n > 1)
		return false;
	if (field->n == 1 && field->values[0][0] != '\0') {
		jid = sc_jid(arena, field->values[0]);
		if (jid == NULL)
			return false;
	}
	*(const struct sc_jid **)place = jid;
	return true;
}

static bool
is_among(const struct sc_jid *const *jids, int n, const struct sc_jid *jid)
{
	for (int i = 0; i < n; i++)
		if (jids[i]->bare_hash == jid->bare_hash && sc_jid_same(jids[i], jid))
			return true;
	return false;
}

/* Repeats are ignored, and compared by their prepared form (XEP-0004 §3.3). */
static bool
take_jids(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *place)
{
	const struct sc_jid **jids;
	int n = 0;

	if (field->n > row->max)
		return false;
	jids = sc_alloc(arena, ((size_t)field->n + 1) * sizeof(*jids));
	for (int i = 0; i < field->n; i++) {
		const struct sc_jid *jid;

		if (field->values[i][0] == '\0')
			continue;
		jid = sc_jid(arena, field->values[i]);
		if (jid == NULL)
			return false;
		if (!is_among(jids, n, jid))
			jids[n++] = jid;
	}
	*(const struct sc_jid *const **)place = jids;
	return true;
}

static take_fn *const takers[] = {
	[SC_FIELD_AS_BOOL] = take_bool, [SC_FIELD_AS_NUMBER] = take_number,
	[SC_FIELD_AS_TIME] = take_time,
	[SC_FIELD_AS_TEXT] = take_text, [SC_FIELD_AS_TEXTS] = take_texts,
	[SC_FIELD_AS_CHOICE] = take_choice,
	[SC_FIELD_AS_CHOICES] = take_choices, [SC_FIELD_AS_JID] = take_jid,
	[SC_FIELD_AS_JIDS] = take_jids,
};

static bool
empty(const struct form_field *field)
{
	for (int i = 0; i < field->n; i++)
		if (field->values[i][0] != '\0')
			return false;
	return true;
}

bool
form_take(struct sc_arena *arena, const struct sc_field *row, const struct form_field *field,
	void *values,
	struct sc_form_problem *problem)
{
	const char *label = row->label == NULL ? row->var : row->label;
	bool taken;

	if (row->required && empty(field))
		return form_wrong(problem, SC_COND_NOT_ACCEPTABLE,
			sc_format(arena, "This must be given: %s.", label));
	if (row->as == SC_FIELD_AS_NOTHING)
		return true;
	if (row->as == SC_FIELD_AS_OWN)
		taken = row->set(arena, values, field->values);
	else
		taken = takers[row->as](arena, row, field, (char *)values + row->offset);
	if (!taken)
		return form_wrong(problem, SC_COND_NOT_ACCEPTABLE,
			sc_format(arena, "This value is not possible: %s.", label));
	return true;
}
