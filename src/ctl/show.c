/* SPDX-License-Identifier: MIT */
/* show: results for people. What others wrote must not steer the terminal, so control characters
 * are shown as `?'. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>
#include "base/mem.h"
#include "ctl/ctl.h"

/* A copy that is safe to print; lines: newlines stay. */
static char *
clean(const char *text, bool lines)
{
	char *copy = mem_text(text, strlen(text));
	unsigned char *p = (unsigned char *)copy;

	for (; *p != '\0'; p++) {
		bool c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		if ((*p < ' ' && !(lines && *p == '\n')) || *p == 0x7f)
			*p = '?';
		else if (c1)
			p[0] = p[1] = '?';
	}
	return copy;
}

static char *
value_text(const json_t *v)
{
	char number[32];

	if (json_is_string(v))
		return clean(json_string_value(v), false);
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
	return mem_text(json_is_integer(v) ? number : "-",
		strlen(json_is_integer(v) ? number : "-"));
}

static int
width_of(const char *text)
{
	int w = u8_strwidth((const uint8_t *)text, "UTF-8");

	return w < 0 ? 0 : w;
}

static void
show_facts(const json_t *facts)
{
	int widest = 0;
	const char *key;
	json_t *value;
	/* json_object_foreach wants it; nothing is changed */
	json_t *unconst = (json_t *)(uintptr_t)facts;

	json_object_foreach(unconst, key, value)
		widest = width_of(key) > widest ? width_of(key) : widest;
	json_object_foreach(unconst, key, value) {
		char *text = value_text(value);

		printf("%s:%*s %s\n", key, widest - width_of(key), "", text);
		free(text);
	}
}

static void
show_row(const json_t *row, const int *widths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = value_text(json_array_get(row, i));

		printf("%s", text);
		if (i + 1 < n)
			printf("%*s", widths[i] - width_of(text) + 2, "");
		free(text);
	}
	putchar('\n');
}

static void
widen(const json_t *row, int *widths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = value_text(json_array_get(row, i));

		if (width_of(text) > widths[i])
			widths[i] = width_of(text);
		free(text);
	}
}

static void
show_table(const json_t *table)
{
	const json_t *columns = json_object_get(table, "columns");
	const json_t *rows = json_object_get(table, "rows");
	size_t n = json_array_size(columns);
	int *widths = mem_new((n + 1) * sizeof(*widths));

	widen(columns, widths, n);
	for (size_t i = 0; i < json_array_size(rows); i++)
		widen(json_array_get(rows, i), widths, n);
	show_row(columns, widths, n);
	for (size_t i = 0; i < json_array_size(rows); i++)
		show_row(json_array_get(rows, i), widths, n);
	free(widths);
}

void
show_result(const json_t *result)
{
	const json_t *text = json_object_get(result, "text");
	const json_t *facts = json_object_get(result, "facts");
	const json_t *table = json_object_get(result, "table");

	if (facts != NULL)
		show_facts(facts);
	if (facts != NULL && table != NULL)
		putchar('\n');
	if (table != NULL)
		show_table(table);
	if (json_is_string(text)) {
		char *copy = clean(json_string_value(text), true);
		size_t n = strlen(copy);

		printf("%s%s", copy, n > 0 && copy[n - 1] == '\n' ? "" : "\n");
		free(copy);
	}
}

void
show_event(const json_t *event)
{
	const char *key, *gap = "";
	json_t *value;
	json_t *unconst = (json_t *)(uintptr_t)event;

	if (json_object_get(event, "left_out") != NULL) {
		printf("(%s left out)\n", json_string_value(json_object_get(event, "left_out")));
		return;
	}
	json_object_foreach(unconst, key, value) {
		char *text = value_text(value);

		printf("%s%s", gap, text);
		gap = "  ";
		free(text);
	}
	putchar('\n');
	fflush(stdout);
}

void
show_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	puts(text ? text : "null");
	fflush(stdout);
	free(text);
}
