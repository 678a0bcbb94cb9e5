/* SPDX-License-Identifier: MIT */
/*
 * prep: the parts of a JID prepared (RFC 7622), which is PRECIS (RFC 8264, 8265) for localpart and
 * resourcepart and IDNA2008 for the domain. Bytes are checked and mapped, never cut.
 */
#ifndef XMPP_PREP_H
#define XMPP_PREP_H

#include <stonechat/jid.h>

/* Each writes at most SC_JID_PART_MAX bytes to out, without a NUL. The length; 0: not allowed. */
size_t prep_local(char *out, const char *in, size_t n);
size_t prep_domain(char *out, const char *in, size_t n);
size_t prep_resource(char *out, const char *in, size_t n);

/* --- between the parts of prep --- */
enum precis_class { PRECIS_IDENTIFIER, PRECIS_FREEFORM };

/* Whether every code point is allowed in the class, where it stands (RFC 8264 §8, RFC 5892 A). */
bool precis_allows(enum precis_class, const uint32_t *cp, size_t n);
/* The Bidi Rule of RFC 5893 §2; true for strings without right-to-left code points. */
bool precis_bidi(const uint32_t *cp, size_t n);
/* Full-width and half-width code points to their ordinary form, in place. */
void precis_width(uint32_t *cp, size_t n);

#endif
