/* SPDX-License-Identifier: MIT */
/*
 * verifier: what is stored instead of a password (RFC 5802 §3: salt, iterations, StoredKey,
 * ServerKey), one for each hash. Pure computation, any thread. What runs PBKDF2 is marked *slow*
 * (about 1 ms for each 10,000 iterations) and belongs on an offload thread. Passwords come in
 * prepared by sc_prepare_password.
 */
#ifndef CORE_VERIFIER_H
#define CORE_VERIFIER_H

#include <stonechat/text.h>

enum verifier_hash { VERIFIER_SHA1, VERIFIER_SHA256, VERIFIER_SHA512, VERIFIER_HASHES };

#define VERIFIER_KEY_MAX 64             /* bytes of a SHA-512 */
#define VERIFIER_SALT_MAX 64
#define VERIFIER_SALT 16                /* bytes in the salts that we make (XEP-0438 §6.2) */
#define VERIFIER_ITERATIONS 10000       /* default for new ones (XEP-0438 §7) */
#define VERIFIER_ITERATIONS_MIN 4096    /* RFC 5802 §5.1, RFC 7677 §4 */
#define VERIFIER_ITERATIONS_MAX 10000000
/* Bytes of a prepared password; longer ones match nothing. */
#define VERIFIER_PASSWORD_MAX 1024
#define VERIFIER_SECRET 32              /* bytes of the server secret behind made-up verifiers */

struct verifier {
	unsigned iterations;                            /* 0: there is none for this hash */
	unsigned salt_len;
	unsigned char salt[VERIFIER_SALT_MAX];
	unsigned char stored_key[VERIFIER_KEY_MAX];     /* verifier_key_len() bytes are used */
	unsigned char server_key[VERIFIER_KEY_MAX];
};

/* One for each hash, by enum verifier_hash. Secret: clear with verifiers_clear. */
struct verifiers {
	struct verifier of[VERIFIER_HASHES];
};

size_t verifier_key_len(enum verifier_hash);            /* 20, 32, 64 */
const char *verifier_hash_name(enum verifier_hash);     /* "SHA-1", "SHA-256", "SHA-512" */
bool verifier_digest(enum verifier_hash, const void *, size_t, unsigned char *out) SC_MUST_CHECK;

/* Slow. With a fresh random salt. False: no memory, or OpenSSL would not. */
bool verifier_make(struct verifier *, enum verifier_hash, unsigned iterations, const char *password,
	size_t n) SC_MUST_CHECK;
/* Slow. With this salt. */
bool verifier_make_salted(struct verifier *, enum verifier_hash, unsigned iterations,
	const unsigned char *salt, size_t salt_len, const char *password, size_t n) SC_MUST_CHECK;
/* Quick. From SCRAM's SaltedPassword, verifier_key_len() bytes, that somebody else has computed. */
bool verifier_from_salted(struct verifier *, enum verifier_hash, unsigned iterations,
	const unsigned char *salt, size_t salt_len, const unsigned char *salted) SC_MUST_CHECK;
/* Slow. All hashes, each with its own salt: for a new account or a new password. */
bool verifiers_make(struct verifiers *, unsigned iterations, const char *password,
	size_t n) SC_MUST_CHECK;
/* Slow. The password belongs to the verifier. False too when there is none for this hash (and then
 * it is fast). */
bool verifier_matches(const struct verifier *, enum verifier_hash, const char *password,
	size_t n) SC_MUST_CHECK;
/* Constant time; a missing one equals nothing. */
bool verifier_same(const struct verifier *, const struct verifier *, enum verifier_hash);
void verifiers_clear(struct verifiers *);               /* wipes */

/* SCRAM's two halves (RFC 5802 §3) over the AuthMessage; proof and signature are verifier_key_len()
 * bytes. Quick. */
bool verifier_proves(const struct verifier *, enum verifier_hash, struct sc_span auth_message,
	const unsigned char *proof) SC_MUST_CHECK;
bool verifier_signs(const struct verifier *, enum verifier_hash, struct sc_span auth_message,
	unsigned char *signature) SC_MUST_CHECK;

/* For an account that does not exist, or has nothing for this hash: the same for the same name for
 * ever, so that it cannot be told from a real one, and no password matches it. name is the prepared
 * bare JID. Quick. */
void verifier_make_up(struct verifier *, enum verifier_hash, unsigned iterations,
	const unsigned char secret[VERIFIER_SECRET], const char *name);

/* From a row of the users table. False, and none: a length is wrong. */
bool verifier_set(struct verifier *, enum verifier_hash, unsigned iterations, struct sc_span salt,
	struct sc_span stored_key, struct sc_span server_key) SC_MUST_CHECK;
/* Bulk import: "ITERATIONS SALT STORED1 SERVER1 STORED256 SERVER256 STORED512 SERVER512", one salt
 * for all three. "-" "-" where another server had nothing for a hash; not for all. */
bool verifiers_read_import(struct verifiers *, const char *text) SC_MUST_CHECK;

/* Strict base64 of short things: nothing but what an encoder would have written. Returns the
 * length; 0: not base64, or too long for room. */
#define VERIFIER_BASE64_MAX 88          /* letters for 64 bytes */
#define VERIFIER_BASE64_ROOM (VERIFIER_BASE64_MAX + 1)
size_t verifier_unbase64(const char *text, size_t n, unsigned char *out, size_t room);

#endif
