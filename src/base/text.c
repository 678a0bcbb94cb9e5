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
