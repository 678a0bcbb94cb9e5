/* SPDX-License-Identifier: MIT */
/*
 * arena: first blocks come from a free list of the thread (design §6). A dropped arena's first
 * block goes to the free list of the thread that drops it: blocks are alike, so traffic both
 * ways keeps the lists level without any post between shards; lists are bounded, the rest goes
 * to free(3). Arenas charge themselves to the budget (BUDGET_STANZAS), nobody else does it for
 * them.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stonechat/text.h>

#define ARENA_BLOCK 2048        /* bytes of a first block, header included */

struct sc_arena *arena_new(void);
void arena_free(struct sc_arena *);                     /* any thread; NULL is fine */
size_t arena_size(const struct sc_arena *);             /* allocated bytes, for budgets */
void arena_reset(struct sc_arena *);                    /* empties it, keeps the first block */
void arena_thread_done(void);                           /* frees this thread's free list */
/* Not zeroed; align is a power of two up to 16. */
void *arena_take(struct sc_arena *, size_t bytes, size_t align);
char *sc_format_v(struct sc_arena *, const char *fmt, va_list);

#endif
