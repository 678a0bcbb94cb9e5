/* SPDX-License-Identifier: MIT */
/* table, hash, list. */
#include "config.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/table.h"
#include "tap.h"

struct item {
	struct table_node node;
	unsigned key, seen;
	struct link link;
};

static struct table table;

static bool
same(const struct table_node *n, const void *key)
{
	return container_of(n, const struct item, node)->key == *(const unsigned *)key;
}

static struct item *
find(unsigned key)
{
	struct table_node *n = table_find(&table, hash_bytes(&key, sizeof(key)), same, &key);

	return n == NULL ? NULL : container_of(n, struct item, node);
}

static void
see(struct table_node *n, void *arg)
{
	container_of(n, struct item, node)->seen++;
	(*(unsigned *)arg)++;
}

static void
remove_odd(struct table_node *n, void *arg)
{
	(void)arg;
	if (container_of(n, struct item, node)->key % 2 == 1)
		table_remove(&table, n);
}

static void
tables(void)
{
	static struct item items[5000];
	unsigned count = 0, missing = 0;
	uint32_t cursor = 0;

	table_init(&table);
	ok(find(1) == NULL, "nothing in an empty table");
	for (unsigned i = 0; i < N_ELEMENTS(items); i++) {
		items[i].key = i;
		table_insert(&table, &items[i].node, hash_bytes(&i, sizeof(i)));
	}
	is_int(table.count, N_ELEMENTS(items), "count");
	for (unsigned i = 0; i < N_ELEMENTS(items); i++)
		missing += find(i) != &items[i];
	is_int(missing, 0, "all are found");
	ok(find(N_ELEMENTS(items)) == NULL, "others are not");
	table_each(&table, see, &count);
	is_int(count, N_ELEMENTS(items), "each is seen");
	count = 0;
	do
		table_slice(&table, &cursor, 100, see, &count);
	while (cursor != 0);
	is_int(count, N_ELEMENTS(items), "slices see each once");
	table_each(&table, remove_odd, NULL);
	is_int(table.count, N_ELEMENTS(items) / 2, "removed while visiting");
	ok(find(3) == NULL && find(4) == &items[4], "the right ones");
	table_free(&table);
}

static void
lists(void)
{
	static struct item items[5];
	struct link head;
	unsigned sum = 0;

	link_init(&head);
	ok(link_alone(&head), "an empty list");
	for (unsigned i = 0; i < 5; i++) {
		items[i].key = i;
		link_append(&head, &items[i].link);
	}
	list_each(&head, at, next) {
		struct item *item = container_of(at, struct item, link);

		sum = sum * 10 + item->key;
		if (item->key % 2 == 0)
			link_remove(at);
	}
	is_int(sum, 1234, "in order, removing on the way");
	ok(head.next == &items[1].link && items[1].link.next == &items[3].link, "the others stay");
	link_remove(&items[0].link);
	ok(link_alone(&items[0].link), "removing twice is harmless");
	link_prepend(&head, &items[4].link);
	ok(head.next == &items[4].link && items[4].link.next == &items[1].link, "prepend");
}

int
main(void)
{
	tables();
	lists();
	/* Homes of JIDs are chosen by these: they may never change. */
	is_int(hash_stable("", 0), 896984669, "stable hash of nothing");
	is_int(hash_stable("romeo@example.org", 17), 1036347017, "stable hash of a JID");
	ok(hash_bytes("a", 1) != hash_bytes("b", 1), "hashes differ");
	ok(hash_bytes("a", 1) != hash_stable("a", 1), "the keyed one has another key");
	return done_testing();
}
