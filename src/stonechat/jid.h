/* SPDX-License-Identifier: MIT */
/*
 * jid: addresses (RFC 7622). A struct sc_jid holds only the prepared form; it is made at the border
 * and never changed, so two JIDs are equal when their bytes are.
 */
#ifndef STONECHAT_JID_H
#define STONECHAT_JID_H

#pragma GCC visibility push(default)

#include <stonechat/text.h>

#define SC_JID_PART_MAX 1023            /* RFC 7622 §3: bytes in each part */
#define SC_JID_MAX (3 * SC_JID_PART_MAX + 3)

struct sc_jid {
	const char *text;               /* "local@domain/resource", NUL-terminated, prepared */
	uint16_t local_len;             /* 0: none */
	uint16_t domain_len;
	uint16_t resource_len;          /* 0: none */
	uint16_t reserved;
	uint32_t bare_hash;             /* of the bare JID's bytes; picks the home shard */
};

/* Parses and prepares (PRECIS UsernameCaseMapped, OpaqueString; IDNA2008). The result lives in the
 * arena. NULL: not a JID (RFC 6120 §8.3.3.8 jid-malformed). Any thread. */
const struct sc_jid *sc_jid(struct sc_arena *, const char *text);
const struct sc_jid *sc_jid_n(struct sc_arena *, const char *bytes, size_t n);
/* From parts that are already prepared, which is the caller's promise; NULL or "" parts are left
 * out. */
const struct sc_jid *sc_jid_of(struct sc_arena *, struct sc_span local, struct sc_span domain,
	struct sc_span resource);
/* The bare form. Returns its argument when that is bare already. */
const struct sc_jid *sc_jid_bare(struct sc_arena *, const struct sc_jid *);
/* The bare JID with this resource, which is prepared here. NULL: not a resource. */
const struct sc_jid *sc_jid_with(struct sc_arena *, const struct sc_jid *, const char *resource);
const struct sc_jid *sc_jid_dup(struct sc_arena *, const struct sc_jid *);

struct sc_span sc_jid_local(const struct sc_jid *);             /* lent; .n == 0: none */
struct sc_span sc_jid_domain(const struct sc_jid *);
struct sc_span sc_jid_resource(const struct sc_jid *);
/* "local@domain" as it stands in text */
struct sc_span sc_jid_bare_span(const struct sc_jid *);
struct sc_span sc_jid_span(const struct sc_jid *);              /* all of it */

bool sc_jid_same(const struct sc_jid *, const struct sc_jid *);          /* NULL equals nothing */
bool sc_jid_same_bare(const struct sc_jid *, const struct sc_jid *);
bool sc_jid_is_bare(const struct sc_jid *);                     /* no resource */
/* no localpart; may have a resource */
bool sc_jid_is_domain(const struct sc_jid *);

/* Prepares one part alone, for user names and nick names. NULL when it is not allowed. */
char *sc_prepare_local(struct sc_arena *, const char *bytes, size_t n);     /* RFC 7622 §3.3 */
/* §3.2, IDNA2008 U-labels; a trailing dot goes */
char *sc_prepare_domain(struct sc_arena *, const char *bytes, size_t n);
char *sc_prepare_resource(struct sc_arena *, const char *bytes, size_t n);  /* §3.4 OpaqueString */
/* RFC 8265 §4.2 OpaqueString */
char *sc_prepare_password(struct sc_arena *, const char *bytes, size_t n);

#pragma GCC visibility pop

#endif
