/* SPDX-License-Identifier: MIT */
/*
 * verifier: the keys of RFC 5802 §3, how they are read, and the made-up ones for names
 * that do not exist. Secrets on the stack are wiped on every path.
 */
#include "config.h"

#include "core/verifier.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "core/pbkdf2.h"

static const struct {
	const char *name;
	size_t len;
	const EVP_MD *(*md)(void);
} hashes[VERIFIER_HASHES] = {
	[VERIFIER_SHA1] = { "SHA-1", 20, EVP_sha1 },
	[VERIFIER_SHA256] = { "SHA-256", 32, EVP_sha256 },
	[VERIFIER_SHA512] = { "SHA-512", 64, EVP_sha512 },
};

size_t
verifier_key_len(enum verifier_hash h)
{
	return hashes[h].len;
}

const char *
verifier_hash_name(enum verifier_hash h)
{
	return hashes[h].name;
}

bool
verifier_digest(enum verifier_hash h, const void *bytes, size_t n, unsigned char *out)
{
	return EVP_Digest(bytes, n, out, NULL, hashes[h].md(), NULL) == 1;
}

static bool
hmac(enum verifier_hash h, const void *key, size_t key_len, const void *bytes, size_t n,
	unsigned char *out)
{
	return HMAC(hashes[h].md(), key, (int)key_len, bytes, n, out, NULL) != NULL;
}

/* --- making and checking --- */

bool
verifier_from_salted(struct verifier *v, enum verifier_hash h, unsigned iterations,
	const unsigned char *salt, size_t salt_len, const unsigned char *salted)
{
	unsigned char client_key[VERIFIER_KEY_MAX];
	size_t len = hashes[h].len;
	bool made;

	memset(v, 0, sizeof *v);
	made = hmac(h, salted, len, "Client Key", 10, client_key) &&
		verifier_digest(h, client_key, len, v->stored_key) &&
		hmac(h, salted, len, "Server Key", 10, v->server_key);
	OPENSSL_cleanse(client_key, sizeof client_key);
	if (!made)
		return false;
	memcpy(v->salt, salt, salt_len);
	v->salt_len = (unsigned)salt_len;
	v->iterations = iterations;
	return true;
}

bool
verifier_make_salted(struct verifier *v, enum verifier_hash h, unsigned iterations,
	const unsigned char *salt, size_t salt_len, const char *password, size_t n)
{
	unsigned char salted[VERIFIER_KEY_MAX];
	bool made;

	memset(v, 0, sizeof *v);
	if (iterations < 1 || iterations > VERIFIER_ITERATIONS_MAX ||
	    salt_len < 1 || salt_len > VERIFIER_SALT_MAX || n < 1 || n > VERIFIER_PASSWORD_MAX)
		return false;
	made = pbkdf2(h, password, n, salt, salt_len, iterations, salted) &&
		verifier_from_salted(v, h, iterations, salt, salt_len, salted);
	OPENSSL_cleanse(salted, sizeof salted);
	return made;
}

bool
verifier_make(struct verifier *v, enum verifier_hash h, unsigned iterations, const char *password,
	size_t n)
{
	unsigned char salt[VERIFIER_SALT];

	rand_bytes(salt, sizeof salt);
	return verifier_make_salted(v, h, iterations, salt, sizeof salt, password, n);
}

bool
verifiers_make(struct verifiers *v, unsigned iterations, const char *password, size_t n)
{
	for (int h = 0; h < VERIFIER_HASHES; h++) {
		if (!verifier_make(&v->of[h], h, iterations, password, n)) {
			verifiers_clear(v);
			return false;
		}
	}
	return true;
}

bool
verifier_same(const struct verifier *a, const struct verifier *b, enum verifier_hash h)
{
	size_t len = hashes[h].len;

	if (a->iterations == 0 || b->iterations == 0)
		return false;
	if (a->iterations != b->iterations || a->salt_len != b->salt_len ||
	    memcmp(a->salt, b->salt, a->salt_len) != 0)
		return false;
	return (CRYPTO_memcmp(a->stored_key, b->stored_key, len) |
		CRYPTO_memcmp(a->server_key, b->server_key, len)) == 0;
}

bool
verifier_matches(const struct verifier *v, enum verifier_hash h, const char *password, size_t n)
{
	struct verifier again;
	bool same;

	if (v->iterations == 0)
		return false;
	same = verifier_make_salted(&again, h, v->iterations, v->salt, v->salt_len, password, n) &&
		verifier_same(v, &again, h);
	OPENSSL_cleanse(&again, sizeof again);
	return same;
}

void
verifiers_clear(struct verifiers *v)
{
	OPENSSL_cleanse(v, sizeof *v);
}

/* --- SCRAM --- */

bool
verifier_proves(const struct verifier *v, enum verifier_hash h, struct sc_span auth_message,
	const unsigned char *proof)
{
	unsigned char key[VERIFIER_KEY_MAX], stored[VERIFIER_KEY_MAX];
	size_t len = hashes[h].len;
	bool right = false;

	if (hmac(h, v->stored_key, len, auth_message.p, auth_message.n, key)) {
		for (size_t i = 0; i < len; i++)
			key[i] ^= proof[i];
		right = verifier_digest(h, key, len, stored) &&
			CRYPTO_memcmp(stored, v->stored_key, len) == 0;
	}
	/* With a right proof this is the ClientKey, which is as good as the password. */
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(stored, sizeof stored);
	return right && v->iterations != 0;
}

bool
verifier_signs(const struct verifier *v, enum verifier_hash h, struct sc_span auth_message,
	unsigned char *signature)
{
	return hmac(h, v->server_key, hashes[h].len, auth_message.p, auth_message.n, signature);
}

/* --- made up --- */

static void
make_up_part(unsigned char *out, size_t n, const char *part, enum verifier_hash h,
	const unsigned char *secret, const char *name)
{
	unsigned char all[VERIFIER_KEY_MAX];
	char label[64 + 2 * 1024 + 64];
	/* The name is a prepared bare JID: at most 2,047 bytes, no control character, so the parts
	 * cannot run together. */
	int len = snprintf(label, sizeof label, "stonechat made-up %s\n%s\n%s", part,
		hashes[h].name, name);

	if (len >= (int)sizeof label)
		len = (int)sizeof label - 1;
	if (!hmac(VERIFIER_SHA512, secret, VERIFIER_SECRET, label, (size_t)len, all))
		rand_bytes(all, sizeof all);
	memcpy(out, all, n);
	OPENSSL_cleanse(all, sizeof all);
}

void
verifier_make_up(struct verifier *v, enum verifier_hash h, unsigned iterations,
	const unsigned char secret[VERIFIER_SECRET], const char *name)
{
	memset(v, 0, sizeof *v);
	v->iterations = iterations;
	v->salt_len = VERIFIER_SALT;
	make_up_part(v->salt, VERIFIER_SALT, "salt", h, secret, name);
	make_up_part(v->stored_key, hashes[h].len, "stored key", h, secret, name);
	make_up_part(v->server_key, hashes[h].len, "server key", h, secret, name);
}

/* --- reading --- */

size_t
verifier_unbase64(const char *text, size_t n, unsigned char *out, size_t room)
{
	unsigned char wide[VERIFIER_BASE64_MAX / 4 * 3 + 3], again[VERIFIER_BASE64_MAX + 5];
	size_t got = 0;
	int len;

	if (n == 0 || n % 4 != 0 || n > VERIFIER_BASE64_MAX)
		return 0;
	len = EVP_DecodeBlock(wide, (const unsigned char *)text, (int)n);
	if (len <= 0)
		return 0;
	got = (size_t)len - (text[n - 1] == '=') - (text[n - 2] == '=');
	/* EVP_DecodeBlock forgives white space and stray bits; what we would not have written
	 * ourselves is not base64. */
	if (got == 0 || got > room || (size_t)EVP_EncodeBlock(again, wide, (int)got) != n ||
		memcmp(again, text, n) != 0)
		got = 0;
	else
		memcpy(out, wide, got);
	OPENSSL_cleanse(wide, sizeof wide);
	OPENSSL_cleanse(again, sizeof again);
	return got;
}

bool
verifier_set(struct verifier *v, enum verifier_hash h, unsigned iterations, struct sc_span salt,
	struct sc_span stored_key, struct sc_span server_key)
{
	memset(v, 0, sizeof *v);
	if (iterations < 1 || iterations > VERIFIER_ITERATIONS_MAX ||
	    salt.n < 1 || salt.n > VERIFIER_SALT_MAX ||
	    stored_key.n != hashes[h].len || server_key.n != hashes[h].len)
		return false;
	v->iterations = iterations;
	v->salt_len = (unsigned)salt.n;
	memcpy(v->salt, salt.p, salt.n);
	memcpy(v->stored_key, stored_key.p, stored_key.n);
	memcpy(v->server_key, server_key.p, server_key.n);
	return true;
}

/* Cuts what stands before the mark (0: everything) off the front of rest. */
static bool
cut(struct sc_span *rest, char mark, struct sc_span *part)
{
	const char *at = mark == 0 ? rest->p + rest->n : memchr(rest->p, mark, rest->n);

	if (at == NULL)
		return false;
	*part = (struct sc_span){ rest->p, (size_t)(at - rest->p) };
	rest->p = at + (mark != 0);
	rest->n -= part->n + (mark != 0);
	return part->n > 0;
}

static bool
read_iterations(struct sc_span digits, unsigned *out)
{
	unsigned value = 0;

	if (digits.n > 8 || digits.p[0] == '0')
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(digits.p[i] - '0');
	}
	*out = value;
	return value <= VERIFIER_ITERATIONS_MAX;
}

static bool
read_salt(struct sc_span text, struct verifier *v)
{
	v->salt_len = (unsigned)verifier_unbase64(text.p, text.n, v->salt, sizeof v->salt);
	return v->salt_len > 0;
}

static bool
read_keys(struct sc_span stored, struct sc_span server, enum verifier_hash h, struct verifier *v)
{
	size_t len = hashes[h].len;

	return verifier_unbase64(stored.p, stored.n, v->stored_key, VERIFIER_KEY_MAX) == len &&
		verifier_unbase64(server.p, server.n, v->server_key, VERIFIER_KEY_MAX) == len;
}

bool
verifiers_read_import(struct verifiers *v, const char *text)
{
	struct sc_span rest = { text, strlen(text) }, iterations, salt, stored, server;
	unsigned count;
	bool any = false;

	memset(v, 0, sizeof *v);
	if (!cut(&rest, ' ', &iterations) || !cut(&rest, ' ', &salt) ||
	    !read_iterations(iterations, &count))
		return false;
	for (int h = 0; h < VERIFIER_HASHES; h++) {
		struct verifier *one = &v->of[h];
		char mark = h == VERIFIER_HASHES - 1 ? 0 : ' ';

		if (!cut(&rest, ' ', &stored) || !cut(&rest, mark, &server))
			goto bad;
		if (sc_span_is(stored, "-") && sc_span_is(server, "-"))
			continue;
		if (!read_salt(salt, one) || !read_keys(stored, server, h, one))
			goto bad;
		one->iterations = count;
		any = true;
	}
	if (any)
		return true;
bad:
	verifiers_clear(v);
	return false;
}
