/* SPDX-License-Identifier: MIT */
/*
 * prep_domain: the domainpart (RFC 7622 §3.2): IPv6 literals in brackets, IPv4 addresses, and names
 * whose labels are LDH labels or U-labels of IDNA2008. A-labels become U-labels, so that one domain
 * has one form. A label has at most 63 bytes in its ASCII form.
 */
#include "config.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "xmpp/prep.h"

#define LABEL_MAX 63
#define INPUT_MAX (3 * SC_JID_PART_MAX)

static size_t
ip_literal(char *out, const char *in, size_t n)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in6_addr address;

	if (n < 4 || n - 2 > INET6_ADDRSTRLEN || in[n - 1] != ']')
		return 0;
	memcpy(text, in + 1, n - 2);
	text[n - 2] = '\0';
	if (strlen(text) != n - 2 || inet_pton(AF_INET6, text, &address) != 1)
		return 0;
	inet_ntop(AF_INET6, &address, text, sizeof(text));
	n = strlen(text);
	out[0] = '[';
	memcpy(out + 1, text, n);
	out[n + 1] = ']';
	return n + 2;
}

static bool
is_a_label(const char *label, size_t n)
{
	return n > 4 && memcmp(label, "xn--", 4) == 0;
}

/* Lowers ASCII letters; false: there are other bytes than letters, digits, '-' and '.'. */
static bool
lower_ldh(char *out, const char *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = in[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		    c == '.'))
			return false;
		out[i] = c;
	}
	return true;
}

static bool
ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] > 0x7f)
			return false;
	return true;
}

/* One U-label or A-label, as the U-label; appended to out. 0: not allowed. */
static size_t
idna_label(char *out, size_t room, const char *in, size_t n)
{
	char *given = strndup(in, n), *unicode = NULL;
	uint8_t *a_label = NULL;
	size_t len = 0;

	/* To Unicode and back: what does not return to the same A-label was no A-label. */
	if (given != NULL && idn2_to_unicode_8z8z(given, &unicode, 0) == IDN2_OK
	    && !ascii(unicode, strlen(unicode))
	    && idn2_lookup_u8((uint8_t *)unicode, &a_label, IDN2_NO_TR46) == IDN2_OK
	    && (!is_a_label(in, n) || strcmp((char *)a_label, given) == 0)
	    && strlen((char *)a_label) <= LABEL_MAX) {
		len = strlen(unicode);
		if (len > room)
			len = 0;
		memcpy(out, unicode, len);
	}
	free(given);
	free(unicode);
	idn2_free(a_label);
	return len;
}

static size_t
ldh_label(char *out, size_t room, const char *in, size_t n)
{
	if (n > LABEL_MAX || n > room || in[0] == '-' || in[n - 1] == '-')
		return 0;
	memmove(out, in, n);
	return n;
}

/* in holds lowered names; out may be in when no label changes its length, i.e. for plain LDH. */
static size_t
labels(char *out, const char *in, size_t n)
{
	size_t len = 0, at = 0;

	while (at <= n) {
		const char *dot = memchr(in + at, '.', n - at);
		size_t part = (dot == NULL ? n : (size_t)(dot - in)) - at, got;
		char lowered[LABEL_MAX];

		if (part == 0)
			return 0;
		if (is_a_label(in + at, part) || !ascii(in + at, part))
			got = idna_label(out + len, SC_JID_PART_MAX - len, in + at, part);
		else if (part <= LABEL_MAX && lower_ldh(lowered, in + at, part))
			got = ldh_label(out + len, SC_JID_PART_MAX - len, in + at, part);
		else
			got = 0;
		if (got == 0)
			return 0;
		len += got;
		at += part + 1;
		if (at <= n) {
			if (len == SC_JID_PART_MAX)
				return 0;
			out[len++] = '.';
		}
	}
	return len;
}

/* Width, case and NFC as RFC 7622 §3.2 asks, and the dots of other scripts (RFC 5895 §2).
 * malloc. */
static char *
map(const char *in, size_t n, size_t *out_n)
{
	size_t cps = 0, lowered = 0, composed = 0;
	uint32_t *cp = NULL, *low = NULL, *nfc = NULL;
	char *out = NULL;

	if (u8_check((const uint8_t *)in, n) != NULL || memchr(in, '\0', n) != NULL)
		return NULL;
	cp = u8_to_u32((const uint8_t *)in, n, NULL, &cps);
	if (cp != NULL) {
		precis_width(cp, cps);
		for (size_t i = 0; i < cps; i++)
			if (cp[i] == 0x3002)
				cp[i] = '.';
		low = u32_tolower(cp, cps, NULL, NULL, NULL, &lowered);
	}
	if (low != NULL)
		nfc = u32_normalize(UNINORM_NFC, low, lowered, NULL, &composed);
	*out_n = 0;
	if (nfc != NULL)
		out = (char *)u32_to_u8(nfc, composed, NULL, out_n);
	free(cp);
	free(low);
	free(nfc);
	return out;
}

/* A U-label out of an A-label has not been mapped; one that mapping would change (Cherokee has its
 * letters the other way round in IDNA2008) would be two domains. */
static bool
is_stable(const char *name, size_t n)
{
	size_t len;
	char *mapped;
	bool same;

	if (ascii(name, n))
		return true;
	mapped = map(name, n, &len);
	same = mapped != NULL && len == n && memcmp(mapped, name, n) == 0;
	free(mapped);
	return same;
}

size_t
prep_domain(char *out, const char *in, size_t n)
{
	size_t len, got;
	char *mapped;

	if (n == 0 || n > INPUT_MAX)
		return 0;
	if (in[0] == '[')
		return ip_literal(out, in, n);
	if (n <= SC_JID_PART_MAX + 1 && ascii(in, n)) {
		char name[SC_JID_PART_MAX + 1];

		if (!lower_ldh(name, in, n))
			return 0;
		got = labels(out, name, name[n - 1] == '.' ? n - 1 : n);
		return is_stable(out, got) ? got : 0;
	}
	mapped = map(in, n, &len);
	if (mapped == NULL || len == 0) {
		free(mapped);
		return 0;
	}
	if (mapped[len - 1] == '.')
		len--;
	got = labels(out, mapped, len);
	free(mapped);
	return is_stable(out, got) ? got : 0;
}
