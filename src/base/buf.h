/* SPDX-License-Identifier: MIT */
/* buf: a growable byte buffer (malloc). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stonechat/text.h>

struct buf {
	char *p;
	size_t n, room;
};

void buf_free(struct buf *);                            /* and zeroes it */
void buf_reserve(struct buf *, size_t more);
void buf_add(struct buf *, const void *, size_t);
void buf_text(struct buf *, const char *);
void buf_format(struct buf *, const char *fmt, ...) SC_PRINTF(2, 3);
void buf_drop(struct buf *, size_t n);                  /* removes n bytes at the front */

#endif
