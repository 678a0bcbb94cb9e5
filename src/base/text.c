/* SPDX-License-Identifier: MIT */
/* text: spans, comparing, numbers, tokens. */
#include "config.h"

#include <string.h>

#include <stonechat/text.h>
#include "base/rand.h"

struct sc_span
sc_span(const char *text)
{
	return (struct sc_span){ text, text == NULL ? 0 : strlen(text) };
}

bool
sc_span_is(struct sc_span a, const char *text)
{
	return text != NULL && a.p != NULL && strlen(text) == a.n && memcmp(a.p, text, a.n) == 0;
}

bool
sc_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a == b || strcmp(a, b) == 0;
}

bool
sc_read_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t sum = 0;

	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned char)*text - '0';

		if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum)
		    || __builtin_add_overflow(sum, digit, &sum) || sum > max)
			return false;
	}
	*out = sum;
	return true;
}

char *
sc_token(struct sc_arena *a)
{
	char token[23];

	rand_token(token);
	return sc_copy(a, token);
}

/* --- ids with a moment in them --- */

#define MOMENT_DIGITS 13        /* until 2112 */
#define TAIL_LETTERS (SC_ARCHIVE_ID_LEN - MOMENT_DIGITS)        /* 66 random bits */

/* By hand, since every message passes here. */
static void
write_moment(char *out, int64_t at)
{
	for (int i = 0; i < MOMENT_DIGITS; i++)
		out[i] = "0123456789abcdef"[at >> 4 * (MOMENT_DIGITS - 1 - i) & 15];
}

char *
sc_archive_id_of(struct sc_arena *a, int64_t at, struct sc_span tail)
{
	char *id = sc_alloc(a, MOMENT_DIGITS + tail.n + 1);

	write_moment(id, at);
	memcpy(id + MOMENT_DIGITS, tail.p, tail.n);
	return id;
}

char *
sc_archive_id(struct sc_arena *a, int64_t at)
{
	char token[23];

	rand_token(token);
	return sc_archive_id_of(a, at, (struct sc_span){ token, TAIL_LETTERS });
}

bool
sc_archive_id_read(const char *text, int64_t *at, const char **tail)
{
	int64_t sum = 0;

	if (text == NULL || strlen(text) != SC_ARCHIVE_ID_LEN)
		return false;
	for (int i = 0; i < MOMENT_DIGITS; i++) {
		char c = text[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		sum = sum << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*at = sum;
	*tail = text + MOMENT_DIGITS;
	return true;
}
