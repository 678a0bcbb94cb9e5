/* SPDX-License-Identifier: MIT */
/* stmt: the registry of statements. What is prepared on which connection is the connection's
 * own business (pg.c). */
#include "config.h"

#include "store/stmt.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include <stonechat/log.h>

struct known {
	struct table_node node;
	const struct sc_stmt *stmt;
	int index;
};

/* Written only while the process has one thread. */
static struct known **known;
static int known_n, known_room;
static struct table by_name;

static bool
same_name(const struct table_node *node, const void *name)
{
	return strcmp(((const struct known *)node)->stmt->name, name) == 0;
}

static struct known *
find(const char *name, uint32_t hash)
{
	if (known_n == 0)
		return NULL;
	return (struct known *)table_find(&by_name, hash, same_name, name);
}

const char *
store_register(const struct sc_stmt *const *stmts, int n)
{
	if (known_n == 0)
		table_init(&by_name);
	for (int i = 0; i < n; i++) {
		const struct sc_stmt *stmt = stmts[i];
		uint32_t hash = hash_bytes(stmt->name, strlen(stmt->name));
		struct known *k = find(stmt->name, hash);

		sc_assert(strlen(stmt->types) <= STMT_ARGS_MAX && stmt->key <
		    (int)strlen(stmt->types));
		if (k) {
			if (strcmp(k->stmt->sql, stmt->sql) != 0 ||
			    strcmp(k->stmt->types, stmt->types) != 0)
				return stmt->name;
			continue;
		}
		if (known_n == known_room) {
			known_room = known_room ? known_room * 2 : 64;
			known = mem_grow(known, (size_t)known_room * sizeof *known);
		}
		k = mem_new(sizeof *k);
		k->stmt = stmt;
		k->index = known_n;
		known[known_n++] = k;
		table_insert(&by_name, &k->node, hash);
	}
	return NULL;
}

void
store_unregister_all(void)
{
	table_free(&by_name);
	for (int i = 0; i < known_n; i++)
		free(known[i]);
	free(known);
	known = NULL;
	known_n = known_room = 0;
}

int
store_stmt_count(void)
{
	return known_n;
}

const struct sc_stmt *
store_stmt_at(int i)
{
	sc_assert(i >= 0 && i < known_n);
	return known[i]->stmt;
}

int
stmt_index(const struct sc_stmt *stmt)
{
	struct known *k = find(stmt->name, hash_bytes(stmt->name, strlen(stmt->name)));

	return k ? k->index : -1;
}

void
stmt_types(const struct sc_stmt *stmt, Oid out[STMT_ARGS_MAX])
{
	for (int i = 0; stmt->types[i]; i++) {
		switch (stmt->types[i]) {
		case 'i': out[i] = 20; break;           /* bigint */
		case 't': out[i] = 25; break;           /* text */
		case 'b': out[i] = 17; break;           /* bytea */
		case 'I': out[i] = 1016; break;         /* bigint[] */
		case 'T': out[i] = 1009; break;         /* text[] */
		default: sc_assert(!"a letter that sqlgen lets through");
		}
	}
}
