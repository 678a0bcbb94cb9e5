/* SPDX-License-Identifier: MIT */
/* buf: a growable byte buffer. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include <stonechat/log.h>

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void
buf_grow(struct buf *b, size_t more)
{
	size_t room = b->room < 128 ? 256 : b->room;

	sc_assert(more < SIZE_MAX / 4);
	while (room - b->n < more)
		room *= 2;
	b->p = mem_grow(b->p, room);
	b->room = room;
}

void
buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_format(struct buf *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);

	int n = vsnprintf(b->p == NULL ? NULL : b->p + b->n, b->room - b->n, fmt, args);

	va_end(args);
	sc_assert(n >= 0);
	if ((size_t)n >= b->room - b->n) {
		buf_reserve(b, (size_t)n + 1);
		va_start(args, fmt);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, args);
		va_end(args);
	}
	b->n += n;
}

void
buf_drop(struct buf *b, size_t n)
{
	sc_assert(n <= b->n);
	b->n -= n;
	if (b->n > 0 && n > 0)
		memmove(b->p, b->p + n, b->n);
}
