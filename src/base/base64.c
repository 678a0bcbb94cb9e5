/* SPDX-License-Identifier: MIT */
/* base64: RFC 4648 §4, strict: one text for each sequence of bytes and no other. */
#include "config.h"

#include <stonechat/text.h>
#include "base/arena.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
sc_base64(struct sc_arena *a, const void *bytes, size_t n)
{
	const unsigned char *in = bytes;
	char *text = arena_take(a, (n + 2) / 3 * 4 + 1, 1), *out = text;

	for (; n >= 3; n -= 3, in += 3) {
		*out++ = letters[in[0] >> 2];
		*out++ = letters[(in[0] & 3) << 4 | in[1] >> 4];
		*out++ = letters[(in[1] & 15) << 2 | in[2] >> 6];
		*out++ = letters[in[2] & 63];
	}
	if (n > 0) {
		unsigned second = n == 2 ? in[1] : 0;

		*out++ = letters[in[0] >> 2];
		*out++ = letters[(in[0] & 3) << 4 | second >> 4];
		*out++ = n == 2 ? letters[(second & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
	return text;
}

/* -1: not a letter of the alphabet. */
static int
value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The last group holds `have` letters; what they hold beyond whole bytes must be zero. */
static bool
read_group(const char *text, int have, unsigned char *out)
{
	unsigned bits = 0;

	for (int i = 0; i < 4; i++) {
		int v = i < have ? value(text[i]) : 0;

		if (v < 0)
			return false;
		bits = bits << 6 | (unsigned)v;
	}
	for (int i = 0; i < have - 1; i++)
		out[i] = bits >> (16 - 8 * i);
	return have == 4 || (bits & (have == 3 ? 0xff : 0xffff)) == 0;
}

unsigned char *
sc_unbase64(struct sc_arena *a, const char *text, size_t text_len, size_t *n)
{
	size_t pad = 0;

	*n = 0;
	if (text_len % 4 != 0)
		return NULL;
	if (text_len > 0 && text[text_len - 1] == '=')
		pad = text[text_len - 2] == '=' ? 2 : 1;

	size_t want = text_len / 4 * 3 - pad;
	unsigned char *bytes = arena_take(a, want + 1, 1), *out = bytes;

	for (size_t i = 0; i < text_len; i += 4, out += 3)
		if (!read_group(text + i, i + 4 == text_len ? 4 - (int)pad : 4, out))
			return NULL;
	bytes[want] = '\0';
	*n = want;
	return bytes;
}
