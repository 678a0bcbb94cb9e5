/* SPDX-License-Identifier: MIT */
/*
 * admin_args: which command the words name, and what is argument and what option. The row's text
 * for the help is the definition of its options too: "JID [--limit N] [--bodies]" has one with a
 * value and one without.
 */
#include "config.h"

#include <string.h>
#include "core/admin_inside.h"
#include "plugin/conf_near.h"

/* How many words the row has if the request begins with them; 0: it does not. */
static int
match(const char *row, const char *const *words, int n)
{
	int used = 0;

	while (*row != '\0') {
		size_t len = strcspn(row, " ");

		if (used == n || strlen(words[used]) != len || strncmp(words[used], row, len) != 0)
			return 0;
		used++;
		row += len;
		row += strspn(row, " ");
	}
	return used;
}

const struct admin_row *
admin_find(const char *const *words, int n, int *used)
{
	const struct admin_row *best = NULL;

	*used = 0;
	for (int i = 0; i < admin_rows(); i++) {
		int len = match(admin_row_at(i)->row.words, words, n);

		if (len > *used) {
			best = admin_row_at(i);
			*used = len;
		}
	}
	return best;
}

/* "`user' needs one of: add, passwd". NULL: no command begins so. */
static const char *
needs_more(struct sc_arena *a, const char *word)
{
	const char *list = NULL;
	size_t len = strlen(word);

	for (int i = 0; i < admin_rows(); i++) {
		const char *row = admin_row_at(i)->row.words;

		if (strncmp(row, word, len) == 0 && row[len] == ' ')
			list = list ? sc_format(a, "%s, %s", list, row + len + 1) : row + len + 1;
	}
	return list ? sc_format(a, "`%s' is followed by one of: %s", word, list) : NULL;
}

const char *
admin_not_found(struct sc_arena *a, const char *const *words, int n)
{
	const char *said = n > 0 ? words[0] : "";
	struct conf_near near = { 0 };
	const char *more = n > 0 ? needs_more(a, words[0]) : NULL;

	if (n == 0)
		return "no command was given";
	if (more != NULL && n == 1)
		return more;
	if (n > 1)
		said = sc_format(a, "%s %s", words[0], words[1]);
	near.wanted = more ? said : words[0];
	for (int i = 0; i < admin_rows(); i++) {
		const char *row = admin_row_at(i)->row.words;

		conf_near_try(&near, more ? row : sc_copy_n(a, row, strcspn(row, " ")));
	}
	if (near.best == NULL && more != NULL)
		return more;
	return sc_format(a, "there is no command `%s'%s", near.wanted,
		near.best ? conf_near_text(a, &near) : "; `help' lists all");
}

/* Whether the row knows the option: 0 no, 1 as a flag, 2 with a value. */
static int
option_kind(const char *args, const char *name, size_t len)
{
	for (const char *p = args; p != NULL && (p = strstr(p, "--")) != NULL; p += 2) {
		const char *end = p + 2 + strcspn(p + 2, " ]|=");

		if ((size_t)(end - p - 2) == len && strncmp(p + 2, name, len) == 0)
			return *end == ' ' || *end == '=' ? 2 : 1;
	}
	return 0;
}

/* One option at words[*i]. NULL, or what is wrong. */
static const char *
add_option(struct admin_request *r, const char *const *words, int n, int *i)
{
	const char *name = words[*i] + 2;
	size_t len = strcspn(name, "=");
	int kind = option_kind(r->row->row.args, name, len);
	const char *value = name[len] == '=' ? name + len + 1 : NULL;

	if (kind == 0)
		return sc_format(r->arena, "there is no option --%.*s", (int)(len > 60 ? 60 : len),
			name);
	if (kind == 1 && value != NULL)
		return sc_format(r->arena, "--%.*s takes no value", (int)len, name);
	if (kind == 2 && value == NULL && *i + 1 == n)
		return sc_format(r->arena, "--%s needs a value", name);
	if (kind == 2 && value == NULL)
		value = words[++*i];
	if (r->n_options == ADMIN_OPTIONS_MAX)
		return "too many options";
	r->options[r->n_options++] = (struct admin_option){ sc_copy_n(r->arena, name, len),
		value ? value : "" };
	return NULL;
}

const char *
admin_sort_args(struct admin_request *r, const char *const *words, int n)
{
	const struct sc_command_row *row = &r->row->row;
	bool options = true;

	for (int i = 0; i < n; i++) {
		const char *wrong = NULL;

		if (options && strcmp(words[i], "--") == 0)
			options = false;
		else if (options && strncmp(words[i], "--", 2) == 0)
			wrong = add_option(r, words, n, &i);
		else
			r->argv[r->argc++] = words[i];
		if (wrong != NULL)
			return wrong;
	}
	if (r->argc < row->min_args || (row->where == SC_ON_JID && r->argc == 0))
		return "an argument is missing";
	if (r->argc > row->max_args)
		return sc_format(r->arena, "`%.60s' is one argument too many",
			r->argv[row->max_args]);
	return NULL;
}
