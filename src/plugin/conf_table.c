/* SPDX-License-Identifier: MIT */
/* conf_table: the sections that the core and the modules registered. Written by the main thread
 * before any shard runs. */
#include "config.h"

#include "plugin/conf_inside.h"

#include <stdlib.h>
#include <string.h>

static struct conf_table *tables;
static int n_tables;

int
conf_tables(void)
{
	return n_tables;
}

const struct conf_table *
conf_table(int section)
{
	sc_assert(section >= 0 && section < n_tables);
	return &tables[section];
}

const struct conf_table *
conf_table_named(const char *name)
{
	for (int i = 0; i < n_tables; i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	return NULL;
}

int
conf_table_index(const struct conf_table *table)
{
	return (int)(table - tables);
}

static const struct sc_key *
key_at(const struct sc_key *keys, size_t stride, int i)
{
	return (const struct sc_key *)(const void *)((const char *)keys + (size_t)i * stride);
}

int
conf_section(const char *name, const struct sc_key *keys, size_t key_stride, size_t struct_size,
	bool per_host)
{
	struct conf_table *t;
	size_t common = key_stride < sizeof(*keys) ? key_stride : sizeof(*keys);

	sc_assert(conf_table_named(name) == NULL);
	tables = mem_grow(tables, (size_t)(n_tables + 1) * sizeof(*tables));
	t = &tables[n_tables];
	*t = (struct conf_table){ .name = name, .size = struct_size, .per_host = per_host };
	while (keys != NULL && key_at(keys, key_stride, t->n_keys)->name != NULL)
		t->n_keys++;
	t->keys = mem_new(((size_t)t->n_keys + 1) * sizeof(*t->keys));
	for (int i = 0; i < t->n_keys; i++)
		memcpy(&t->keys[i], key_at(keys, key_stride, i), common);
	return n_tables++;
}

void
conf_section_check(int section, bool (*check)(const void *, char *error, size_t error_size))
{
	sc_assert(section >= 0 && section < n_tables);
	tables[section].check = check;
}

void
conf_section_help(int section, const char *help)
{
	sc_assert(section >= 0 && section < n_tables);
	tables[section].help = help;
}

void
conf_sections_forget(void)
{
	for (int i = 0; i < n_tables; i++)
		free(tables[i].keys);
	free(tables);
	tables = NULL;
	n_tables = 0;
}
