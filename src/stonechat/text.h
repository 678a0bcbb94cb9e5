/* SPDX-License-Identifier: MIT */
/*
 * text: spans of bytes, arenas, and the few string functions that every module needs.
 * Strings inside the server are UTF-8, validated at the border, and end with a NUL unless a span
 * says otherwise.
 */
#ifndef STONECHAT_TEXT_H
#define STONECHAT_TEXT_H

#pragma GCC visibility push(default)

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SC_MUST_CHECK __attribute__((warn_unused_result))
#define SC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Bytes that somebody else owns; not NUL-terminated. */
struct sc_span {
	const char *p;
	size_t n;
};

#define SC_SPAN(literal) ((struct sc_span){ (literal), sizeof(literal) - 1 })

/* of a C string; NULL gives {NULL, 0} */
struct sc_span sc_span(const char *text);
bool sc_span_is(struct sc_span a, const char *text);            /* same bytes */
/* C strings; NULL equals only NULL */
bool sc_same(const char *a, const char *b);

/*
 * An arena frees everything it gave at once; nothing is freed singly. Most arenas belong to a
 * stanza. One thread at a time may allocate from an arena. Failure to allocate ends the process
 * (design: small fixed objects), so the functions never return NULL; sizes that a peer chose are
 * checked by their reader first.
 */
struct sc_arena;

void *sc_alloc(struct sc_arena *, size_t bytes);                /* zeroed, aligned for any type */
char *sc_copy(struct sc_arena *, const char *text);             /* NULL gives NULL */
char *sc_copy_n(struct sc_arena *, const char *bytes, size_t n);/* adds a NUL */
char *sc_format(struct sc_arena *, const char *fmt, ...) SC_PRINTF(2, 3);

/* Base64 (RFC 4648 §4). Decode is strict: no white space, padding required. NULL and *n = 0 when it
 * is not base64. */
char *sc_base64(struct sc_arena *, const void *bytes, size_t n);
unsigned char *sc_unbase64(struct sc_arena *, const char *text, size_t text_len, size_t *n);

/* XEP-0082 date and time in UTC with 'Z', from microseconds since 1970. */
char *sc_timestamp(struct sc_arena *, int64_t wall_us);
/* Reads a XEP-0082 DateTime (any offset). False when it is not one. */
bool sc_timestamp_read(const char *text, int64_t *wall_us) SC_MUST_CHECK;

/* A fresh unguessable token of 128 bits in base64url letters (22 of them), from getrandom(2). */
char *sc_token(struct sc_arena *);

/*
 * An id for something that came at that moment (µs since 1970, of an entity's own clock:
 * sc_entity_moment()): 24 letters, of which 13 are the moment, so that ids sort as what they name,
 * and the rest cannot be guessed. For stanza-ids (XEP-0359), which are archive ids (XEP-0313 §3.5):
 * no two of an entity are alike. That it tells when a message came is no secret to whoever receives
 * it.
 */
#define SC_ARCHIVE_ID_LEN 24
char *sc_archive_id(struct sc_arena *, int64_t at);
/* Takes one apart. `tail` is what cannot be guessed, lent by the text. False: none of ours. */
bool sc_archive_id_read(const char *text, int64_t *at, const char **tail) SC_MUST_CHECK;
/* Puts it together again. */
char *sc_archive_id_of(struct sc_arena *, int64_t at, struct sc_span tail);

/* Decimal digits only (no sign, no space), not above max. */
bool sc_read_number(const char *text, uint64_t max, uint64_t *out) SC_MUST_CHECK;

#pragma GCC visibility pop

#endif
