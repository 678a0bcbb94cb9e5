/* SPDX-License-Identifier: MIT */
/*
 * precis: which code points the classes of RFC 8264 allow, the contextual rules of RFC 5892 and the
 * Bidi Rule of RFC 5893. The Unicode data is libunistring's.
 */
#include "config.h"

#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>

#include "xmpp/prep.h"

enum verdict { ALLOWED, FREEFORM_ONLY, CONTEXT, FORBIDDEN };

#define RANGE(c, from, to) ((c) >= (from) && (c) <= (to))

/* RFC 8264 §9.6. */
static bool
exception(uint32_t c, enum verdict *v)
{
	switch (c) {
	case 0x00DF: case 0x03C2: case 0x06FD: case 0x06FE: case 0x0F0B: case 0x3007:
		*v = ALLOWED;
		return true;
	case 0x00B7: case 0x0375: case 0x05F3: case 0x05F4: case 0x30FB:
		*v = CONTEXT;
		return true;
	case 0x0640: case 0x07FA: case 0x302E: case 0x302F: case 0x303B:
		*v = FORBIDDEN;
		return true;
	}
	if (RANGE(c, 0x0660, 0x0669) || RANGE(c, 0x06F0, 0x06F9)) {
		*v = CONTEXT;
		return true;
	}
	*v = FORBIDDEN;
	return RANGE(c, 0x3031, 0x3035);
}

/* §9.9: Hangul_Syllable_Type L, V or T. */
static bool
old_hangul_jamo(uint32_t c)
{
	return RANGE(c, 0x1100, 0x11FF) || RANGE(c, 0xA960, 0xA97C) || RANGE(c, 0xD7B0, 0xD7C6)
		|| RANGE(c, 0xD7CB, 0xD7FB);
}

/* §9.17: NFKC changes it. */
static bool
has_compat(uint32_t c)
{
	uint32_t room[32];
	size_t n = sizeof(room) / sizeof(room[0]);
	uint32_t *out = u32_normalize(UNINORM_NFKC, &c, 1, room, &n);
	bool changed = out == NULL || n != 1 || out[0] != c;

	if (out != room)
		free(out);
	return changed;
}

static bool
in_categories(uint32_t c, uint32_t mask)
{
	return uc_is_general_category_withtable(c, mask);
}

/* §8: the order of the questions is the RFC's. */
static enum verdict
derive(uint32_t c)
{
	const uint32_t letters = UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo
		| UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn |
		UC_CATEGORY_MASK_Mc;
	const uint32_t free_only = UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No
		| UC_CATEGORY_MASK_Me | UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S |
		UC_CATEGORY_MASK_P;
	enum verdict v;

	if (exception(c, &v))
		return v;
	if (uc_is_property_unassigned_code_value(c))
		return FORBIDDEN;
	if (RANGE(c, 0x21, 0x7E))
		return ALLOWED;
	if (uc_is_property_join_control(c))
		return CONTEXT;
	if (old_hangul_jamo(c) || uc_is_property_default_ignorable_code_point(c)
	    || uc_is_property_not_a_character(c) || in_categories(c, UC_CATEGORY_MASK_Cc))
		return FORBIDDEN;
	if (has_compat(c))
		return FREEFORM_ONLY;
	if (in_categories(c, letters))
		return ALLOWED;
	return in_categories(c, free_only) ? FREEFORM_ONLY : FORBIDDEN;
}

static bool
script_is(uint32_t c, const char *name)
{
	return uc_is_script(c, uc_script_byname(name));
}

/* RFC 5892 A.1: a joining letter before and after, other marks between them left out. */
static bool
joins_both_sides(const uint32_t *cp, size_t n, size_t at)
{
	size_t before = at, after = at + 1;
	int type;

	do {
		if (before == 0)
			return false;
		type = uc_joining_type(cp[--before]);
	} while (type == UC_JOINING_TYPE_T);
	if (type != UC_JOINING_TYPE_L && type != UC_JOINING_TYPE_D)
		return false;
	while (after < n && uc_joining_type(cp[after]) == UC_JOINING_TYPE_T)
		after++;
	if (after == n)
		return false;
	type = uc_joining_type(cp[after]);
	return type == UC_JOINING_TYPE_R || type == UC_JOINING_TYPE_D;
}

static bool
any_between(const uint32_t *cp, size_t n, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < n; i++)
		if (RANGE(cp[i], from, to))
			return true;
	return false;
}

static bool
any_japanese(const uint32_t *cp, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (script_is(cp[i], "Hiragana") || script_is(cp[i], "Katakana")
		    || script_is(cp[i], "Han"))
			return true;
	return false;
}

/* RFC 5892 appendix A. */
static bool
context_allows(const uint32_t *cp, size_t n, size_t at)
{
	bool after_virama = at > 0 && uc_combining_class(cp[at - 1]) == UC_CCC_VR;

	switch (cp[at]) {
	case 0x200C:
		return after_virama || joins_both_sides(cp, n, at);
	case 0x200D:
		return after_virama;
	case 0x00B7:
		return at > 0 && at + 1 < n && cp[at - 1] == 'l' && cp[at + 1] == 'l';
	case 0x0375:
		return at + 1 < n && script_is(cp[at + 1], "Greek");
	case 0x05F3: case 0x05F4:
		return at > 0 && script_is(cp[at - 1], "Hebrew");
	case 0x30FB:
		return any_japanese(cp, n);
	}
	if (RANGE(cp[at], 0x0660, 0x0669))
		return !any_between(cp, n, 0x06F0, 0x06F9);
	if (RANGE(cp[at], 0x06F0, 0x06F9))
		return !any_between(cp, n, 0x0660, 0x0669);
	return false;
}

bool
precis_allows(enum precis_class class, const uint32_t *cp, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (derive(cp[i])) {
		case ALLOWED:
			break;
		case FREEFORM_ONLY:
			if (class != PRECIS_FREEFORM)
				return false;
			break;
		case CONTEXT:
			if (!context_allows(cp, n, i))
				return false;
			break;
		case FORBIDDEN:
			return false;
		}
	}
	return true;
}

void
precis_width(uint32_t *cp, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ucs4_t mapped[UC_DECOMPOSITION_MAX_LENGTH];
		int tag;

		if (cp[i] < 0x80 || uc_decomposition(cp[i], &tag, mapped) != 1)
			continue;
		if (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW)
			cp[i] = mapped[0];
	}
}

#define BIT(category) (1u << (category))

bool
precis_bidi(const uint32_t *cp, size_t n)
{
	const unsigned common = BIT(UC_BIDI_EN) | BIT(UC_BIDI_ES) | BIT(UC_BIDI_CS) |
		BIT(UC_BIDI_ET)
		| BIT(UC_BIDI_ON) | BIT(UC_BIDI_BN) | BIT(UC_BIDI_NSM);
	const unsigned right = BIT(UC_BIDI_R) | BIT(UC_BIDI_AL) | BIT(UC_BIDI_AN);
	unsigned seen = 0, first, last = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned bit = BIT(uc_bidi_category(cp[i]));

		seen |= bit;
		if (bit != BIT(UC_BIDI_NSM))
			last = bit;
	}
	if ((seen & right) == 0)
		return true;
	first = BIT(uc_bidi_category(cp[0]));
	if (first & (BIT(UC_BIDI_R) | BIT(UC_BIDI_AL)))
		return (seen & ~(right | common)) == 0 && (last & (right | BIT(UC_BIDI_EN)))
			&& !((seen & BIT(UC_BIDI_EN)) && (seen & BIT(UC_BIDI_AN)));
	/* It has right-to-left code points, and so is no left-to-right label either (rule 5). */
	return false;
}
