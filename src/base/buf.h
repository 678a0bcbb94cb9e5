/* SPDX-License-Identifier: MIT */
/* buf: a growable byte buffer (malloc). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <string.h>

#include <stonechat/text.h>

struct buf {
	char *p;
	size_t n, room;
};

void buf_free(struct buf *);                            /* and zeroes it */
void buf_grow(struct buf *, size_t more);                /* the slow part of buf_reserve() */
void buf_text(struct buf *, const char *);
void buf_format(struct buf *, const char *fmt, ...) SC_PRINTF(2, 3);
void buf_drop(struct buf *, size_t n);                  /* removes n bytes at the front */

static inline void
buf_reserve(struct buf *b, size_t more)
{
	if (b->room - b->n < more)
		buf_grow(b, more);
}

static inline void
buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	buf_reserve(b, n);
	memcpy(b->p + b->n, bytes, n);
	b->n += n;
}

#endif
