/* SPDX-License-Identifier: MIT */
/*
 * pbkdf2: over OpenSSL's own hash contexts, because its PKCS5_PBKDF2_HMAC copies a provider's
 * context through malloc in each of 20,000 steps: 2.5 ms for SHA-256 and 10,000 iterations, where
 * the hashing itself takes 1.1. Logins by PLAIN pay this, so it shows in a login storm. Where these
 * functions are gone (OpenSSL built with no-deprecated) the slow way does the same.
 */
#define OPENSSL_SUPPRESS_DEPRECATED     /* before OpenSSL's headers */
#include "config.h"

#include "core/pbkdf2.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#ifdef OPENSSL_NO_DEPRECATED_3_0

bool
pbkdf2(enum verifier_hash h, const char *password, size_t n, const unsigned char *salt,
	size_t salt_len, unsigned iterations, unsigned char *out)
{
	const EVP_MD *md = h == VERIFIER_SHA1 ? EVP_sha1() : h == VERIFIER_SHA256 ? EVP_sha256() :
		EVP_sha512();

	return PKCS5_PBKDF2_HMAC(password, (int)n, salt, (int)salt_len, (int)iterations, md,
		EVP_MD_get_size(md), out) == 1;
}

#else

/* One function for each hash, so that the compiler sees the sizes. */
#define PBKDF2(name, SHA, SHA_CTX_TYPE, len, block)                                                \
	static void                                                                                \
	name(const char *password, size_t n, const unsigned char *salt, size_t salt_len,           \
		unsigned iterations, unsigned char *out)                                           \
	{                                                                                          \
		static const unsigned char first[4] = { 0, 0, 0, 1 };                              \
		SHA_CTX_TYPE inner, outer, c;                                                      \
		unsigned char key[block] = { 0 }, u[len];                                          \
												   \
		if (n > block) {                                                                   \
			SHA##_Init(&c);                                                            \
			SHA##_Update(&c, password, n);                                             \
			SHA##_Final(key, &c);                                                      \
		} else {                                                                           \
			memcpy(key, password, n);                                                  \
		}                                                                                  \
		for (int i = 0; i < block; i++)                                                    \
			key[i] ^= 0x36;                                                            \
		SHA##_Init(&inner);                                                                \
		SHA##_Update(&inner, key, block);                                                  \
		for (int i = 0; i < block; i++)                                                    \
			key[i] ^= 0x36 ^ 0x5C;                                                     \
		SHA##_Init(&outer);                                                                \
		SHA##_Update(&outer, key, block);                                                  \
		c = inner;                                                                         \
		SHA##_Update(&c, salt, salt_len);                                                  \
		SHA##_Update(&c, first, sizeof first);                                             \
		for (unsigned step = 0;; step++) {                                                 \
			SHA##_Final(u, &c);                                                        \
			c = outer;                                                                 \
			SHA##_Update(&c, u, len);                                                  \
			SHA##_Final(u, &c);                                                        \
			for (int i = 0; i < len; i++)                                              \
				out[i] = step == 0 ? u[i] : out[i] ^ u[i];                         \
			if (step + 1 >= iterations)                                                \
				break;                                                             \
			c = inner;                                                                 \
			SHA##_Update(&c, u, len);                                                  \
		}                                                                                  \
		OPENSSL_cleanse(&inner, sizeof inner);                                             \
		OPENSSL_cleanse(&outer, sizeof outer);                                             \
		OPENSSL_cleanse(&c, sizeof c);                                                     \
		OPENSSL_cleanse(key, sizeof key);                                                  \
		OPENSSL_cleanse(u, sizeof u);                                                      \
	}

PBKDF2(pbkdf2_sha1, SHA1, SHA_CTX, SHA_DIGEST_LENGTH, SHA_CBLOCK)
PBKDF2(pbkdf2_sha256, SHA256, SHA256_CTX, SHA256_DIGEST_LENGTH, SHA256_CBLOCK)
PBKDF2(pbkdf2_sha512, SHA512, SHA512_CTX, SHA512_DIGEST_LENGTH, SHA512_CBLOCK)

bool
pbkdf2(enum verifier_hash h, const char *password, size_t n, const unsigned char *salt,
	size_t salt_len, unsigned iterations, unsigned char *out)
{
	switch (h) {
	case VERIFIER_SHA1:
		pbkdf2_sha1(password, n, salt, salt_len, iterations, out);
		return true;
	case VERIFIER_SHA256:
		pbkdf2_sha256(password, n, salt, salt_len, iterations, out);
		return true;
	case VERIFIER_SHA512:
		pbkdf2_sha512(password, n, salt, salt_len, iterations, out);
		return true;
	default:
		return false;
	}
}

#endif
