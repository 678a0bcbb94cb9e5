/* SPDX-License-Identifier: MIT */
/* list: intrusive doubly linked lists. A link that is in no list points to itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *prev, *next;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline void
link_init(struct link *l)
{
	l->prev = l->next = l;
}

static inline bool
link_alone(const struct link *l)
{
	return l->next == l;
}

static inline void
link_append(struct link *head, struct link *l)          /* at the end of the list */
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void
link_prepend(struct link *head, struct link *l)
{
	link_append(head->next, l);
}

static inline void
link_remove(struct link *l)                             /* harmless when alone */
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	link_init(l);
}

/* Safe against removal of the current element. */
#define list_each(head, it, tmp) \
	for (struct link *it = (head)->next, *tmp = it->next; it != (head); \
		it = tmp, tmp = it->next)

#endif
