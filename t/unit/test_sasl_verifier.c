/* SPDX-License-Identifier: MIT */
/* Verifiers: published vectors, what is refused, the made-up ones, the line of a bulk import. */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pbkdf2.h"
#include "tap.h"

static void
hex(const unsigned char *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

/* Computed with Python's hashlib and hmac; salt "QSXCR+Q6sek8bf92", password "pencil", 4096. */
static void
test_vectors(void)
{
	static const struct { enum verifier_hash h; const char *stored, *server; } cases[] = {
		{ VERIFIER_SHA1,
			"e9d94660c39d65c38fbad91c358f14da0eef2bd6",
			"0fe09258b3ac852ba502cc62ba903eaacdbf7d31" },
		{ VERIFIER_SHA256,
			"14efbd8c16f7314ba4b7a8c99f38cf64e59ce68c3f3eee89b4fca3bb46aa684f",
			"ab127549b992022e44712d09e4293f70a026ffe2316be2b0a7addfe0e1c3833a" },
		{ VERIFIER_SHA512,
			"2e6ef0eb33c6031f94a1a865126d7084837b3d2d4a194fbdf95e4fcae74ae9cfe659556d917482a553e650a40b603291eefd2e4a4c6b0733e6ec7b92c19ff2b7",
			"6ff3e1e64182a5f770d8cc8b8740bc975d2288510d96864b28f889207bf9ec9dc1443f7efb846fa188d32a139e8721e0252fe7b319cd075ed42a0354ee7472ea" },
	};
	unsigned char salt[16];
	size_t n = verifier_unbase64("QSXCR+Q6sek8bf92", 16, salt, sizeof salt);

	is_int(n, 12, "the salt");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		enum verifier_hash h = cases[i].h;
		size_t len = verifier_key_len(h);
		struct verifier v;
		char text[2 * VERIFIER_KEY_MAX + 1];

		ok(verifier_make_salted(&v, h, 4096, salt, n, "pencil", 6), "%s: made",
			verifier_hash_name(h));
		hex(v.stored_key, len, text);
		is_text(text, cases[i].stored, "%s: StoredKey", verifier_hash_name(h));
		hex(v.server_key, len, text);
		is_text(text, cases[i].server, "%s: ServerKey", verifier_hash_name(h));
		ok(verifier_matches(&v, h, "pencil", 6), "%s: its password", verifier_hash_name(h));
		ok(!verifier_matches(&v, h, "pencils", 7), "%s: another", verifier_hash_name(h));
		ok(!verifier_matches(&v, h, "penci", 5), "%s: a part of it", verifier_hash_name(h));
		ok(verifier_same(&v, &v, h), "%s: the same", verifier_hash_name(h));
		v.stored_key[len - 1] ^= 1;
		ok(!verifier_matches(&v, h, "pencil", 6), "%s: one bit in the last byte counts",
			verifier_hash_name(h));
		v.iterations = 0;
		ok(!verifier_matches(&v, h, "pencil", 6) && !verifier_same(&v, &v, h),
			"%s: none matches nothing", verifier_hash_name(h));
	}
}

/* Against OpenSSL's PBKDF2, with keys shorter and longer than a block. */
static void
test_pbkdf2(void)
{
	static const size_t lengths[] = { 1, 19, 20, 63, 64, 65, 127, 128, 129,
		VERIFIER_PASSWORD_MAX };
	static const int counts[] = { 1, 2, 3, 100 };
	const EVP_MD *md[] = { EVP_sha1(), EVP_sha256(), EVP_sha512() };
	char password[VERIFIER_PASSWORD_MAX];
	unsigned char salt[VERIFIER_SALT_MAX], got[VERIFIER_KEY_MAX], want[VERIFIER_KEY_MAX];

	for (size_t i = 0; i < sizeof password; i++)
		password[i] = (char)(i * 7 + 1);
	for (size_t i = 0; i < sizeof salt; i++)
		salt[i] = (unsigned char)(i * 5);
	for (size_t i = 0; i < N_ELEMENTS(lengths) * N_ELEMENTS(counts) * VERIFIER_HASHES; i++) {
		enum verifier_hash h = i % VERIFIER_HASHES;
		int count = counts[i / VERIFIER_HASHES % N_ELEMENTS(counts)];
		size_t n = lengths[i / VERIFIER_HASHES / N_ELEMENTS(counts)],
			len = verifier_key_len(h);
		size_t salt_len = 1 + i % VERIFIER_SALT_MAX;

		if (PKCS5_PBKDF2_HMAC(password, (int)n, salt, (int)salt_len, count, md[h], (int)len,
		    want) != 1)
			abort();
		ok(pbkdf2(h, password, n, salt, salt_len, (unsigned)count, got) &&
			memcmp(got, want, len) == 0,
			"PBKDF2 by %s, %zu bytes, %d times", verifier_hash_name(h), n, count);
	}
}

static void
test_limits(void)
{
	static const char long_one[VERIFIER_PASSWORD_MAX + 1] = "x";
	unsigned char salt[VERIFIER_SALT_MAX + 1] = "salt";
	struct verifier v;
	struct verifiers all;

	ok(!verifier_make_salted(&v, VERIFIER_SHA1, 0, salt, 4, "a", 1), "no iterations");
	ok(!verifier_make_salted(&v, VERIFIER_SHA1, VERIFIER_ITERATIONS_MAX + 1, salt, 4, "a", 1),
		"too many iterations");
	ok(!verifier_make_salted(&v, VERIFIER_SHA1, 1, salt, 0, "a", 1), "no salt");
	ok(!verifier_make_salted(&v, VERIFIER_SHA1, 1, salt, VERIFIER_SALT_MAX + 1, "a", 1),
		"too long a salt");
	ok(!verifier_make_salted(&v, VERIFIER_SHA1, 1, salt, 4, "", 0), "an empty password");
	ok(!verifier_make_salted(&v, VERIFIER_SHA1, 1, salt, 4, long_one, sizeof long_one),
		"too long a password");
	ok(verifier_make_salted(&v, VERIFIER_SHA1, 1, salt, 4, long_one, sizeof long_one - 1),
		"the longest password");
	ok(!verifiers_make(&all, 0, "a", 1), "all, without iterations");
	ok(verifiers_make(&all, 5, "a", 1), "all");
	ok(memcmp(all.of[0].salt, all.of[1].salt, VERIFIER_SALT) != 0 && memcmp(all.of[1].salt,
		all.of[2].salt, VERIFIER_SALT) != 0,
		"each hash has a salt of its own");
	verifiers_clear(&all);
	is_int(all.of[0].iterations + all.of[1].salt_len + all.of[2].stored_key[5], 0, "cleared");
}

static void
test_set(void)
{
	struct verifier v;
	struct sc_span salt = SC_SPAN("0123456789abcdef"), key = SC_SPAN("0123456789abcdefghij");

	ok(verifier_set(&v, VERIFIER_SHA1, 4096, salt, key, key), "from a row");
	is_int(v.salt_len, 16, "… the salt");
	ok(!verifier_set(&v, VERIFIER_SHA256, 4096, salt, key, key), "keys of another hash");
	is_int(v.iterations, 0, "… leave none");
	ok(!verifier_set(&v, VERIFIER_SHA1, 0, salt, key, key), "no iterations");
	ok(!verifier_set(&v, VERIFIER_SHA1, 4096, sc_span(""), key, key), "no salt");
	ok(!verifier_set(&v, VERIFIER_SHA1, 4096, salt, sc_span(NULL), key), "null");
}

static void
test_made_up(void)
{
	static const unsigned char secret[VERIFIER_SECRET] = "one", other[VERIFIER_SECRET] = "two";
	struct verifier a, b;

	verifier_make_up(&a, VERIFIER_SHA256, 10000, secret, "user@example.org");
	verifier_make_up(&b, VERIFIER_SHA256, 10000, secret, "user@example.org");
	ok(verifier_same(&a, &b, VERIFIER_SHA256), "made up twice alike");
	is_int(a.salt_len, VERIFIER_SALT, "a salt of the usual length");
	is_int(a.iterations, 10000, "the iterations asked for");
	verifier_make_up(&b, VERIFIER_SHA256, 10000, other, "user@example.org");
	ok(memcmp(a.salt, b.salt, VERIFIER_SALT) != 0, "another secret, another salt");
	verifier_make_up(&b, VERIFIER_SHA512, 10000, secret, "user@example.org");
	ok(memcmp(a.salt, b.salt, VERIFIER_SALT) != 0, "another hash, another salt");
	verifier_make_up(&b, VERIFIER_SHA256, 10000, secret, "user@example.com");
	ok(memcmp(a.salt, b.salt, VERIFIER_SALT) != 0, "another name, another salt");
	ok(memcmp(a.stored_key, a.server_key, 32) != 0 && memcmp(a.stored_key, a.salt,
		VERIFIER_SALT) != 0, "the parts differ");
}

static void
test_unbase64(void)
{
	static const struct { const char *in; size_t want; } cases[] = {
		{ "", 0 }, { "YQ==", 1 }, { "YWI=", 2 }, { "YWJj", 3 }, { "YWJjZA==", 4 },
		{ "YQ", 0 }, { "YQ=", 0 }, { "YR==", 0 }, { "YWJ=", 0 }, { "====", 0 },
		{ "=AAA", 0 }, { "Y===", 0 }, { "Y=Q=", 0 },
		{ " YQ==", 0 }, { "YQ==\n", 0 }, { "YWJj\n\n\n\n", 0 }, { "YW-_", 0 },
		{ "YQ==YQ==", 0 }, { "    ", 0 }, { "\n\n\n\n", 0 },
		{ "MDEyMzQ1Njc4OWFiY2RlZmc=", 0 },      /* longer than the room */
	};
	unsigned char out[16];
	char big[VERIFIER_BASE64_MAX + 5];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		is_int(verifier_unbase64(cases[i].in, strlen(cases[i].in), out, sizeof out),
			cases[i].want, "base64, case %zu", i);
	memset(big, 'A', sizeof big);
	is_int(verifier_unbase64(big, sizeof big - 1, out, sizeof out), 0, "base64, too long");
}

static void
test_import(void)
{
	/* One line of a bulk import, made as contrib/devserver makes them. */
	static const char good[] =
		"4096"
		" QSXCR+Q6sek8bf92"
		" 6dlGYMOdZcOPutkcNY8U2g7vK9Y="
		" D+CSWLOshSulAsxiupA+qs2/fTE="
		" FO+9jBb3MUukt6jJnzjPZOWc5ow/Pu6JtPyju0aqaE8="
		" qxJ1SbmSAi5EcS0J5Ck/cKAm/+Ixa+Kwp63f4OHDgzo="
		" Lm7w6zPGAx+UoahlEm1whIN7PS1KGU+9+V5PyudK6c/mWVVtkXSCpVPmUKQLYDKR7v0uSkxrBzPm7HuSwZ/ytw=="
		" b/Ph5kGCpfdw2MyLh0C8l10iiFENloZLKPiJIHv57J3BRD9++4RvoYjTKhOehyHgJS/nsxnNB17UKgNU7nRy6g==";
	static const char *const bad[] = { "", "4096", "4096 ", "0 c2FsdA== a b",
		"04096 c2FsdA== a b", "-1 c2FsdA== a b",
		"99999999 c2FsdA== a b", "123456789012 c2FsdA== a b", "4096  c2FsdA==" };
	char text[sizeof good + 1];
	struct verifiers v;

	ok(verifiers_read_import(&v, good), "a line of a bulk import");
	for (int h = 0; h < VERIFIER_HASHES; h++)
		ok(verifier_matches(&v.of[h], h, "pencil", 6), "… its %s", verifier_hash_name(h));
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		ok(!verifiers_read_import(&v, bad[i]), "import: %s", bad[i]);
	for (size_t n = 0; n < sizeof good - 1; n++) {
		memcpy(text, good, n);
		text[n] = 0;
		if (verifiers_read_import(&v, text))
			ok(false, "a line cut after %zu bytes", n);
	}
	strcpy(text, good);
	strcat(text, " ");
	ok(!verifiers_read_import(&v, text), "a line with something after it");
	is_int(v.of[VERIFIER_SHA1].iterations, 0, "… leaves nothing");
	ok(verifiers_read_import(&v, "4096 QSXCR+Q6sek8bf92 6dlGYMOdZcOPutkcNY8U2g7vK9Y= "
		"D+CSWLOshSulAsxiupA+qs2/fTE= - - - -"),
		"a line of a server that kept SHA-1 alone");
	ok(verifier_matches(&v.of[VERIFIER_SHA1], VERIFIER_SHA1, "pencil", 6), "… which works");
	is_int(v.of[VERIFIER_SHA256].iterations + v.of[VERIFIER_SHA512].iterations, 0,
		"… and is all there is");
	ok(!verifiers_read_import(&v, "4096 QSXCR+Q6sek8bf92 - - - - - -"), "a line with nothing");
	ok(!verifiers_read_import(&v, "4096 QSXCR+Q6sek8bf92 6dlGYMOdZcOPutkcNY8U2g7vK9Y= - "
		"- - - -"), "half a pair");
}

int
main(void)
{
	test_vectors();
	test_pbkdf2();
	test_limits();
	test_set();
	test_made_up();
	test_unbase64();
	test_import();
	return done_testing();
}
