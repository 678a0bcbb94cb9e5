/* SPDX-License-Identifier: MIT */
/*
 * arena: a chain of blocks from which memory is cut off front to back. The struct itself stands
 * at the head of the first block, so that a small stanza costs one block and no malloc. Further
 * blocks double up to 32 KiB and always return to malloc.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/budget.h"
#include "base/mem.h"
#include <stonechat/log.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define poison(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define poison(p, n) ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

#define FREE_MAX 1024           /* blocks kept by a thread: 2 MiB */
#define GROW_FIRST 4096
#define GROW_LAST 32768

struct block {
	struct block *next;
	size_t size;            /* header included */
};

struct sc_arena {
	char *at, *end;         /* the free part of the newest block */
	struct block *newest;   /* chain that ends with the first block */
	size_t size;
};

static _Thread_local struct block *free_list;
static _Thread_local unsigned free_count;

#define FIRST_AT (sizeof(struct block) + sizeof(struct sc_arena))

_Static_assert(FIRST_AT % 16 == 0, "the first allocation is aligned");

static struct block *
first_block(const struct sc_arena *a)
{
	return (struct block *)((char *)(uintptr_t)a - sizeof(struct block));
}

static void
start(struct sc_arena *a)
{
	struct block *b = first_block(a);

	a->newest = b;
	a->at = (char *)b + FIRST_AT;
	a->end = (char *)b + ARENA_BLOCK;
	a->size = ARENA_BLOCK;
}

struct sc_arena *
arena_new(void)
{
	struct block *b = free_list;

	if (b != NULL) {
		unpoison(b + 1, ARENA_BLOCK - sizeof(*b));      /* LeakSanitizer follows the list */
		free_list = b->next;
		free_count--;
	} else {
		b = mem_grow(NULL, ARENA_BLOCK);
	}
	b->next = NULL;
	b->size = ARENA_BLOCK;

	struct sc_arena *a = (struct sc_arena *)(b + 1);

	start(a);
	budget_charge(BUDGET_STANZAS, ARENA_BLOCK);
	return a;
}

static void
free_grown(struct sc_arena *a)
{
	struct block *first = first_block(a), *b = a->newest;

	while (b != first) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void
arena_free(struct sc_arena *a)
{
	if (a == NULL)
		return;
	budget_charge(BUDGET_STANZAS, -(int64_t)a->size);
	free_grown(a);

	struct block *b = first_block(a);

	if (free_count >= FREE_MAX) {
		free(b);
		return;
	}
	b->next = free_list;
	free_list = b;
	free_count++;
	poison(b + 1, ARENA_BLOCK - sizeof(*b));      /* LeakSanitizer follows the list */
}

size_t
arena_size(const struct sc_arena *a)
{
	return a->size;
}

void
arena_reset(struct sc_arena *a)
{
	budget_charge(BUDGET_STANZAS, ARENA_BLOCK - (int64_t)a->size);
	free_grown(a);
	start(a);
}

void
arena_thread_done(void)
{
	while (free_list != NULL) {
		struct block *b = free_list;

		unpoison(b + 1, ARENA_BLOCK - sizeof(*b));      /* LeakSanitizer follows the list */
		free_list = b->next;
		free(b);
	}
	free_count = 0;
}

static void
grow(struct sc_arena *a, size_t need)
{
	size_t size = a->newest->size < GROW_FIRST ? GROW_FIRST : a->newest->size * 2;

	if (size > GROW_LAST)
		size = GROW_LAST;
	if (size < need + sizeof(struct block) + 16)
		size = need + sizeof(struct block) + 16;

	struct block *b = mem_grow(NULL, size);

	b->size = size;
	b->next = a->newest;
	a->newest = b;
	a->at = (char *)(b + 1);
	a->end = (char *)b + size;
	a->size += size;
	budget_charge(BUDGET_STANZAS, (int64_t)size);
}

void *
arena_take(struct sc_arena *a, size_t bytes, size_t align)
{
	char *p = (char *)(((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1));

	sc_assert(bytes < SIZE_MAX / 4);
	if (p > a->end || (size_t)(a->end - p) < bytes) {
		grow(a, bytes);
		p = (char *)(((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1));
	}
	a->at = p + bytes;
	return p;
}

void *
sc_alloc(struct sc_arena *a, size_t bytes)
{
	return memset(arena_take(a, bytes, 16), 0, bytes);
}

char *
sc_copy_n(struct sc_arena *a, const char *bytes, size_t n)
{
	char *p = arena_take(a, n + 1, 1);

	if (n > 0)
		memcpy(p, bytes, n);
	p[n] = '\0';
	return p;
}

char *
sc_copy(struct sc_arena *a, const char *text)
{
	return text == NULL ? NULL : sc_copy_n(a, text, strlen(text));
}

char *
sc_format_v(struct sc_arena *a, const char *fmt, va_list args)
{
	va_list again;
	size_t room = a->end - a->at;

	/* Most texts fit into what is left of the block, so they are formatted in place. */
	va_copy(again, args);

	int n = vsnprintf(a->at, room, fmt, args);

	sc_assert(n >= 0);

	char *p = arena_take(a, (size_t)n + 1, 1);

	if ((size_t)n >= room)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

char *
sc_format(struct sc_arena *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);

	char *p = sc_format_v(a, fmt, args);

	va_end(args);
	return p;
}
