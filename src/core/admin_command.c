/* SPDX-License-Identifier: MIT */
/* admin_command: what a command's function asks and says (stonechat/command.h), on its shard. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "core/admin_inside.h"

int
sc_command_argc(const struct sc_command *c)
{
	return c->request->argc;
}

const char *
sc_command_arg(const struct sc_command *c, int i)
{
	return i >= 0 && i < c->request->argc ? c->request->argv[i] : NULL;
}

const char *
sc_command_option(const struct sc_command *c, const char *name)
{
	for (int i = 0; i < c->request->n_options; i++)
		if (strcmp(c->request->options[i].name, name) == 0)
			return c->request->options[i].value;
	return NULL;
}

const struct sc_jid *
sc_command_jid(const struct sc_command *c)
{
	return c->request->jid;
}

int
admin_lines(const struct sc_command *c)
{
	return c->request->n_lines;
}

const char *
admin_line(const struct sc_command *c, int i)
{
	return c->request->lines[i];
}

struct sc_arena *
sc_command_arena(struct sc_command *c)
{
	if (c->arena == NULL)
		c->arena = arena_new();
	return c->arena;
}

void
sc_command_columns(struct sc_command *c, const char *const *names)
{
	sc_assert(c->columns == NULL);
	c->columns = json_array();
	c->rows = json_array();
	for (; *names != NULL; names++)
		json_array_append_new(c->columns, admin_string(*names));
}

void
sc_command_row(struct sc_command *c, const char *const *cells)
{
	json_t *row = json_array();
	size_t n = json_array_size(c->columns);

	sc_assert(c->columns != NULL);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(row, admin_string(cells[i] ? cells[i] : "-"));
	json_array_append_new(c->rows, row);
}

static void
set_fact(struct sc_command *c, const char *key, json_t *value)
{
	if (c->facts == NULL)
		c->facts = json_object();
	json_object_set_new(c->facts, key, value);
}

void
sc_command_fact(struct sc_command *c, const char *key, const char *value)
{
	set_fact(c, key, admin_string(value ? value : "-"));
}

void
sc_command_fact_int(struct sc_command *c, const char *key, int64_t value)
{
	set_fact(c, key, json_integer(value));
}

void
sc_command_text(struct sc_command *c, const char *text)
{
	size_t old = c->text ? strlen(c->text) : 0;
	size_t more = strlen(text);

	/* Several sentences are several lines. */
	c->text = mem_grow(c->text, old + more + 2);
	if (old > 0)
		c->text[old++] = '\n';
	memcpy(c->text + old, text, more + 1);
}
