/* SPDX-License-Identifier: MIT */
/*
 * prep: localparts, resourceparts and passwords by the profiles of RFC 8265. Plain ASCII, which is
 * nearly everything, is mapped in one pass; the rest goes through libunistring.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/arena.h"
#include "xmpp/prep.h"

/* A mapping may shrink a part to a third (full-width letters) but no more. */
#define INPUT_MAX (3 * SC_JID_PART_MAX)
#define PASSWORD_MAX 4096
/* RFC 8265 §3.3.2: until nothing changes, three times more at most */
#define ROUNDS_MAX 4

struct text {
	uint32_t *cp;           /* malloc */
	size_t n;
};

/* What of ASCII may stand in a localpart as it is (1), after lowering (2), or not (0); RFC 7622
 * §3.3.1. */
static const unsigned char local_ascii[128] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['('] = 1, [')'] = 1, ['*'] = 1, ['+'] = 1,
	[','] = 1, ['-'] = 1, ['.'] = 1, ['0' ... '9'] = 1, [';'] = 1, ['='] = 1, ['?'] = 1,
	['A' ... 'Z'] = 2, ['['] = 1, ['\\'] = 1, [']'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1,
	['a' ... 'z'] = 1, ['{'] = 1, ['|'] = 1, ['}'] = 1, ['~'] = 1,
};

static bool
read_utf8(struct text *t, const char *in, size_t n)
{
	const uint8_t *bytes = (const uint8_t *)in;

	if (u8_check(bytes, n) != NULL)
		return false;
	t->n = 0;
	t->cp = u8_to_u32(bytes, n, NULL, &t->n);
	return t->cp != NULL;
}

/* Replaces the text by a new one; false: there was no memory for it. */
static bool
become(struct text *t, uint32_t *cp, size_t n)
{
	if (cp == NULL)
		return false;
	free(t->cp);
	t->cp = cp;
	t->n = n;
	return true;
}

static bool
normalize(struct text *t)
{
	size_t n = 0;
	uint32_t *cp = u32_normalize(UNINORM_NFC, t->cp, t->n, NULL, &n);

	return become(t, cp, n);
}

static bool
lower(struct text *t)
{
	size_t n = 0;
	uint32_t *cp = u32_tolower(t->cp, t->n, NULL, NULL, NULL, &n);

	return become(t, cp, n);
}

/* RFC 8265 §3.3 UsernameCaseMapped. */
static bool
map_username(struct text *t)
{
	precis_width(t->cp, t->n);
	if (!precis_allows(PRECIS_IDENTIFIER, t->cp, t->n) || !lower(t) || !normalize(t))
		return false;
	return precis_allows(PRECIS_IDENTIFIER, t->cp, t->n) && precis_bidi(t->cp, t->n);
}

/* RFC 8265 §4.2 OpaqueString. */
static bool
map_opaque(struct text *t)
{
	if (!precis_allows(PRECIS_FREEFORM, t->cp, t->n))
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (t->cp[i] > 0x7f && uc_is_general_category(t->cp[i], UC_CATEGORY_Zs))
			t->cp[i] = ' ';
	return normalize(t) && precis_allows(PRECIS_FREEFORM, t->cp, t->n);
}

/* The result as UTF-8, malloc. NULL: not allowed, or not stable. */
static char *
enforce(bool (*map)(struct text *), const char *in, size_t n, size_t *out_n)
{
	char *out = NULL, *was = NULL;
	struct text t;

	if (!read_utf8(&t, in, n))
		return NULL;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		size_t len = 0;

		if (!map(&t) || t.n == 0)
			break;
		was = out;
		out = (char *)u32_to_u8(t.cp, t.n, NULL, &len);
		if (out != NULL && was != NULL && len == *out_n && memcmp(out, was, len) == 0) {
			free(was);
			free(t.cp);
			return out;
		}
		free(was);
		*out_n = len;
		if (out == NULL)
			break;
	}
	free(out);
	free(t.cp);
	return NULL;
}

static size_t
enforce_part(bool (*map)(struct text *), char *out, const char *in, size_t n)
{
	size_t len = 0;
	char *text = enforce(map, in, n, &len);

	if (text == NULL || len > SC_JID_PART_MAX)
		len = 0;
	if (len > 0)
		memcpy(out, text, len);
	free(text);
	return len;
}

/* Mapping may have made an excluded character out of another one (a full-width '@'). */
static bool
local_excludes(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x80 && local_ascii[(unsigned char)text[i]] == 0)
			return true;
	return false;
}

size_t
prep_local(char *out, const char *in, size_t n)
{
	size_t i;

	if (n == 0 || n > INPUT_MAX)
		return 0;
	for (i = 0; i < n && i < SC_JID_PART_MAX; i++) {
		unsigned char c = in[i];

		if (c > 0x7f)
			break;
		if (local_ascii[c] == 0)
			return 0;
		out[i] = local_ascii[c] == 2 ? c + ('a' - 'A') : c;
	}
	if (i == n)
		return n;
	n = enforce_part(map_username, out, in, n);
	return local_excludes(out, n) ? 0 : n;
}

static bool
printable_ascii(const char *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in[i] < 0x20 || in[i] > 0x7e)
			return false;
	return true;
}

size_t
prep_resource(char *out, const char *in, size_t n)
{
	if (n == 0 || n > INPUT_MAX)
		return 0;
	if (!printable_ascii(in, n))
		return enforce_part(map_opaque, out, in, n);
	if (n > SC_JID_PART_MAX)
		return 0;
	memcpy(out, in, n);
	return n;
}

static char *
in_arena(struct sc_arena *a, size_t (*prep)(char *, const char *, size_t), const char *in, size_t n)
{
	char part[SC_JID_PART_MAX];
	size_t len = prep(part, in, n);

	return len == 0 ? NULL : sc_copy_n(a, part, len);
}

char *
sc_prepare_local(struct sc_arena *a, const char *bytes, size_t n)
{
	return in_arena(a, prep_local, bytes, n);
}

char *
sc_prepare_domain(struct sc_arena *a, const char *bytes, size_t n)
{
	return in_arena(a, prep_domain, bytes, n);
}

char *
sc_prepare_resource(struct sc_arena *a, const char *bytes, size_t n)
{
	return in_arena(a, prep_resource, bytes, n);
}

char *
sc_prepare_password(struct sc_arena *a, const char *bytes, size_t n)
{
	size_t len = 0;
	char *text, *copy;

	if (n == 0 || n > PASSWORD_MAX)
		return NULL;
	if (printable_ascii(bytes, n))
		return sc_copy_n(a, bytes, n);
	text = enforce(map_opaque, bytes, n, &len);
	if (text == NULL)
		return NULL;
	copy = sc_copy_n(a, text, len);
	explicit_bzero(text, len);
	free(text);
	return copy;
}
