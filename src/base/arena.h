/* SPDX-License-Identifier: MIT */
/*
 * arena: blocks from a per-thread free list (design §6). The last block of a dropped arena goes back to the shard that
 * made it through arena_home_post (set by net/mailbox), lists are bounded.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stonechat/text.h>

#define ARENA_BLOCK 2048        /* bytes of a first block, header included */

struct sc_arena *arena_new(void);
void arena_free(struct sc_arena *);                     /* any thread; foreign blocks are freed or posted home */
size_t arena_size(const struct sc_arena *);             /* allocated bytes, for budgets */
void arena_reset(struct sc_arena *);                    /* empties it, keeps the first block */
void arena_thread_done(void);                           /* frees this thread's free list */
char *sc_format_v(struct sc_arena *, const char *fmt, va_list);

#endif
