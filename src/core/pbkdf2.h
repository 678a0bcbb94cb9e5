/* SPDX-License-Identifier: MIT */
/* pbkdf2: PBKDF2 with HMAC (RFC 8018 §5.2), one block: as many bytes as the hash has (RFC 5802's
 * Hi()). */
#ifndef CORE_PBKDF2_H
#define CORE_PBKDF2_H

#include "core/verifier.h"

/* Slow; any thread. out has verifier_key_len() bytes. */
bool pbkdf2(enum verifier_hash, const char *password, size_t n, const unsigned char *salt,
	size_t salt_len, unsigned iterations, unsigned char *out) SC_MUST_CHECK;

#endif
