/* SPDX-License-Identifier: MIT */
/* admin_wire: requests and answers as JSON. src/core/README.md has the protocol. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "core/admin_inside.h"

json_t *
admin_string(const char *text)
{
	json_t *s = json_string(text);

	return s ? s : json_string("(not UTF-8)");
}

/* --- requests --- */

static bool
add_word(struct admin_request *r, const char *text, size_t n, const char **words, int *n_words)
{
	if (*n_words == ADMIN_WORDS_MAX) {
		admin_refuse(r, ADMIN_USAGE, "more than %d words", ADMIN_WORDS_MAX);
		return false;
	}
	words[(*n_words)++] = sc_copy_n(r->arena, text, n);
	return true;
}

/* A text with several words, or a list of texts. */
static bool
add_words(struct admin_request *r, json_t *from, bool split, const char **words, int *n_words)
{
	size_t i;
	json_t *word;

	if (json_is_string(from) && split) {
		const char *p = json_string_value(from);

		for (p += strspn(p, " "); *p != '\0'; p += strspn(p, " ")) {
			size_t len = strcspn(p, " ");

			if (!add_word(r, p, len, words, n_words))
				return false;
			p += len;
		}
		return true;
	}
	if (from != NULL && !json_is_array(from)) {
		admin_refuse(r, ADMIN_USAGE, "`cmd' and `argv' are lists of texts");
		return false;
	}
	json_array_foreach(from, i, word) {
		if (!json_is_string(word) ||
		    strlen(json_string_value(word)) != json_string_length(word)) {
			admin_refuse(r, ADMIN_USAGE, "`cmd' and `argv' are lists of texts");
			return false;
		}
		if (!add_word(r, json_string_value(word), json_string_length(word), words, n_words))
			return false;
	}
	return true;
}

/* "args": {"limit": 5, "bodies": true} is the same as --limit=5 --bodies. */
static bool
add_options(struct admin_request *r, json_t *args, const char **words, int *n_words)
{
	const char *key;
	json_t *value;

	json_object_foreach(args, key, value) {
		const char *text = NULL;

		if (json_is_string(value))
			text = sc_format(r->arena, "--%s=%s", key, json_string_value(value));
		else if (json_is_integer(value))
			text = sc_format(r->arena, "--%s=%lld", key,
				(long long)json_integer_value(value));
		else if (json_is_true(value))
			text = sc_format(r->arena, "--%s", key);
		if (text != NULL && !add_word(r, text, strlen(text), words, n_words))
			return false;
	}
	return true;
}

static bool
add_lines(struct admin_request *r, json_t *from)
{
	size_t i;
	json_t *line;

	if (from != NULL && !json_is_array(from)) {
		admin_refuse(r, ADMIN_USAGE, "`lines' is a list of texts");
		return false;
	}
	r->lines = sc_alloc(r->arena, (json_array_size(from) + 1) * sizeof(*r->lines));
	json_array_foreach(from, i, line) {
		if (!json_is_string(line)) {
			admin_refuse(r, ADMIN_USAGE, "`lines' is a list of texts");
			return false;
		}
		r->lines[r->n_lines++] = sc_copy_n(r->arena, json_string_value(line),
			json_string_length(line));
	}
	return true;
}

bool
admin_parse(struct admin_request *r, const char *line, size_t n, const char **words, int *n_words)
{
	json_error_t error;
	json_t *request = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
	bool ok;

	*n_words = 0;
	if (!json_is_object(request)) {
		json_decref(request);
		admin_refuse(r, ADMIN_USAGE, "a request is a JSON object on one line");
		return false;
	}
	/* Options before arguments: what follows a "--" among the arguments is none. */
	ok = add_words(r, json_object_get(request, "cmd"), true, words, n_words) &&
		add_options(r, json_object_get(request, "args"), words, n_words) &&
		add_words(r, json_object_get(request, "argv"), false, words, n_words) &&
		add_lines(r, json_object_get(request, "lines"));
	json_decref(request);
	return ok;
}

/* --- answers --- */

static char *
line_of(json_t *taken)
{
	char *text = json_dumps(taken, JSON_COMPACT);
	size_t n;

	json_decref(taken);
	sc_assert(text != NULL);
	n = strlen(text);
	text = mem_grow(text, n + 2);
	memcpy(text + n, "\n", 2);
	return text;
}

char *
admin_error_line(int code, const char *sentence)
{
	json_t *answer = json_object();

	json_object_set_new(answer, "ok", json_false());
	json_object_set_new(answer, "error", admin_string(sentence));
	json_object_set_new(answer, "code", json_integer(code));
	return line_of(answer);
}

char *
admin_event_line(const char *const *pairs)
{
	json_t *event = json_object();
	json_t *answer = json_object();

	for (; pairs[0] != NULL; pairs += 2)
		json_object_set_new(event, pairs[0], admin_string(pairs[1] ? pairs[1] : ""));
	json_object_set_new(answer, "ok", json_true());
	json_object_set_new(answer, "event", event);
	return line_of(answer);
}

/* Numbers are summed; of texts the first shard's stands. */
static void
merge_facts(json_t *into, json_t *from)
{
	const char *key;
	json_t *value;

	json_object_foreach(from, key, value) {
		json_t *there = json_object_get(into, key);

		if (there == NULL)
			json_object_set_new(into, key,
				json_is_integer(value) ? json_integer(json_integer_value(value))
				: json_incref(value));
		else if (json_is_integer(there) && json_is_integer(value))
			json_integer_set(there, json_integer_value(there) +
				json_integer_value(value));
	}
}

static void
merge_part(json_t *result, const struct sc_command *c)
{
	if (c->text != NULL && json_object_get(result, "text") == NULL)
		json_object_set_new(result, "text", admin_string(c->text));
	if (c->facts != NULL) {
		if (json_object_get(result, "facts") == NULL)
			json_object_set_new(result, "facts", json_object());
		merge_facts(json_object_get(result, "facts"), c->facts);
	}
	if (c->columns != NULL) {
		json_t *table = json_object_get(result, "table");

		if (table == NULL) {
			table = json_object();
			json_object_set_new(result, "table", table);
			json_object_set(table, "columns", c->columns);
			json_object_set_new(table, "rows", json_array());
		}
		json_array_extend(json_object_get(table, "rows"), c->rows);
	}
}

char *
admin_result_line(struct admin_request *r)
{
	json_t *answer, *result;

	for (int i = 0; i < r->n_parts; i++)
		if (r->parts[i]->error != NULL)
			return admin_error_line(r->parts[i]->code, r->parts[i]->error);
	result = json_object();
	for (int i = 0; i < r->n_parts; i++)
		merge_part(result, r->parts[i]);
	answer = json_object();
	json_object_set_new(answer, "ok", json_true());
	json_object_set_new(answer, "result", result);
	for (int i = 0; i < r->n_parts; i++)
		if (r->parts[i]->code != 0)
			json_object_set_new(answer, "code", json_integer(r->parts[i]->code));
	return line_of(answer);
}
