/* SPDX-License-Identifier: MIT */
/* SCRAM against the RFCs' examples, against a client written from RFC 5802 alone, and against what
 * clients must not send. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "sasl_try.h"
#include "tap.h"

/* --- a client --- */

static const EVP_MD *
md_of(const char *mechanism)
{
	return strncmp(mechanism, "SCRAM-SHA-512", 13) == 0 ? EVP_sha512() :
		strncmp(mechanism, "SCRAM-SHA-256", 13) == 0 ? EVP_sha256() : EVP_sha1();
}

static void
mac(const EVP_MD *md, const void *key, const char *text, unsigned char *out)
{
	HMAC(md, key, EVP_MD_get_size(md), (const unsigned char *)text, strlen(text), out, NULL);
}

struct client {
	const char *mechanism, *header, *cb, *password;
	const char *nonce;              /* sent back instead of the challenge's */
	char bare[2048], final[4096], want[300];        /* want: the server's last message */
};

/* Answers the challenge: fills final and want. extra goes before the proof. */
static void
client_answer(struct client *c, const char *challenge, const char *extra)
{
	const EVP_MD *md = md_of(c->mechanism);
	int len = EVP_MD_get_size(md);
	unsigned char salted[64], key[64], stored[64], signature[64], salt[128], base64[256],
		input[2048];
	char all[8192], nonce[1024], salt64[256];
	int i, input_len, salt_len;

	if (sscanf(challenge, "r=%1023[^,],s=%255[^,],i=%d", nonce, salt64, &i) != 3)
		abort();
	if (c->nonce != NULL)
		snprintf(nonce, sizeof nonce, "%s", c->nonce);
	salt_len = EVP_DecodeBlock(salt, (unsigned char *)salt64, (int)strlen(salt64));
	for (const char *p = salt64 + strlen(salt64) - 1; *p == '='; p--)
		salt_len--;
	PKCS5_PBKDF2_HMAC(c->password, (int)strlen(c->password), salt, salt_len, i, md, len,
		salted);
	input_len = snprintf((char *)input, sizeof input, "%s%s", c->header, c->cb);
	EVP_EncodeBlock(base64, input, input_len);
	snprintf(c->final, sizeof c->final, "c=%s,r=%s%s", (char *)base64, nonce, extra);
	snprintf(all, sizeof all, "%s,%s,%s", c->bare, challenge, c->final);
	mac(md, salted, "Client Key", key);
	EVP_Digest(key, (size_t)len, stored, NULL, md, NULL);
	mac(md, stored, all, signature);
	for (int k = 0; k < len; k++)
		key[k] ^= signature[k];
	EVP_EncodeBlock(base64, key, len);
	strcat(strcat(c->final, ",p="), (char *)base64);
	mac(md, salted, "Server Key", key);
	mac(md, key, all, signature);
	EVP_EncodeBlock(base64, signature, len);
	snprintf(c->want, sizeof c->want, "v=%s", (char *)base64);
}

/* A whole attempt. */
static enum sasl_step
login(struct try *t, struct client *c, const char *name)
{
	char first[4096];

	snprintf(c->bare, sizeof c->bare, "n=%s,r=clientnonce", name);
	snprintf(first, sizeof first, "%s%s", c->header, c->bare);
	if (!try_start(t, c->mechanism))
		return SASL_FAILURE;
	if (try_text(t, first) != SASL_CHALLENGE)
		return t->step;
	client_answer(c, t->data, "");
	return try_text(t, c->final);
}

/* --- the examples of the RFCs --- */

static void
test_example(const char *mechanism, const char *salt64, const char *server_nonce,
	const char *const line[4])
{
	enum sasl_mech m = 0;
	struct try t = try_new();
	struct verifiers v = { 0 };
	unsigned char salt[64];
	size_t salt_len = verifier_unbase64(salt64, strlen(salt64), salt, sizeof salt);

	ok(sasl_mech_parse(mechanism, &m), "%s: is a mechanism", mechanism);
	ok(verifier_make_salted(&v.of[sasl_infos[m].hash], sasl_infos[m].hash, 4096, salt, salt_len,
		"pencil", 6), "%s: verifier", mechanism);
	t.fixed = &v;
	ok(try_start(&t, mechanism), "%s: starts", mechanism);
	strcpy(t.s->scram.nonce, server_nonce);
	is_int(try_text(&t, line[0]), SASL_CHALLENGE, "%s: example's first message", mechanism);
	is_text(t.data, line[1], "%s: example's challenge", mechanism);
	is_int(try_text(&t, line[2]), SASL_SUCCESS, "%s: example's proof", mechanism);
	is_text(t.data, line[3], "%s: example's signature", mechanism);
	is_text(sasl_local(t.s), "user", "%s: example's name", mechanism);
	try_end(&t);
}

static void
test_examples(void)
{
	test_example("SCRAM-SHA-1", "QSXCR+Q6sek8bf92", "3rfcNHYJY1ZVvWVs7j", (const char *const[]){
		"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" });
	test_example("SCRAM-SHA-256", "W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
		(const char *const[]){
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" });
}

/* XEP-0474 §6.3: the hash, and the whole exchange with it. */
static void
test_downgrade_hash(void)
{
	struct try t = try_new();
	struct verifiers v = { 0 };
	unsigned char salt[64];
	size_t salt_len = verifier_unbase64("QSXCR+Q6sek8bf92", 16, salt, sizeof salt);

	ok(verifier_make_salted(&v.of[VERIFIER_SHA1], VERIFIER_SHA1, 4096, salt, salt_len, "pencil",
		6), "verifier");
	t.fixed = &v;
	t.offer.allowed = SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
	t.offer.downgrade_hash = true;
	t.offer.binding[SASL_TLS_UNIQUE].n = 0;
	memcpy(t.offer.binding[SASL_TLS_EXPORTER].bytes, "THIS IS FAKE CB DATA", 20);
	t.offer.binding[SASL_TLS_EXPORTER].n = 20;
	try_start(&t, "SCRAM-SHA-1-PLUS");
	is_text(sasl_downgrade_hash(t.s), "G6k/rBLDqgOhRRaCuuatSDFkJ08=",
		"XEP-0474: the example's hash");
	strcpy(t.s->scram.nonce, "a09117a6-ac50-4f2f-93f1-93799c2bddf6");
	try_text(&t, "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6");
	is_text(t.data,
		"r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,"
		"h=G6k/rBLDqgOhRRaCuuatSDFkJ08=", "XEP-0474: the example's challenge");
	try_text(&t, "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
		"r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
		"x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=");
	is_text(t.data, "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=", "XEP-0474: the example's end");

	t.offer.binding[SASL_TLS_EXPORTER].n = t.offer.binding[SASL_TLS_SERVER_END_POINT].n = 0;
	try_start(&t, "SCRAM-SHA-1");
	is_text(sasl_downgrade_hash(t.s), "LrtFoCs8XsoI+diY4u3rG69UGN8=",
		"XEP-0474: without channel bindings no %%x1F");
	try_end(&t);
}

/* --- the client's attempts --- */

static void
test_logins(void)
{
	static const struct { const char *mechanism, *header; char cb; const char *name, *password;
		enum sasl_failure want; } cases[] = {
		{ "SCRAM-SHA-1", "n,,", 0, "user", "pencil", SASL_NO_FAILURE },
		{ "SCRAM-SHA-256", "n,,", 0, "user", "pencil", SASL_NO_FAILURE },
		{ "SCRAM-SHA-512", "n,,", 0, "user", "pencil", SASL_NO_FAILURE },
		/* hashed as received, looked up prepared */
		{ "SCRAM-SHA-512", "n,,", 0, "USER", "pencil", SASL_NO_FAILURE },
		{ "SCRAM-SHA-1", "n,,", 0, "user", "pencils", SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-256", "n,,", 0, "user", "pencils", SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-512", "n,,", 0, "nobody", "pencil", SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-1", "n,,", 0, "old", "pencil", SASL_NO_FAILURE },
		/* has no such verifier */
		{ "SCRAM-SHA-256", "n,,", 0, "old", "pencil", SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-1", "n,,", 0, "new", "pencil", SASL_NOT_AUTHORIZED },
		/* only with the password */
		{ "SCRAM-SHA-1", "n,,", 0, "off", "pencil", SASL_ACCOUNT_DISABLED },
		{ "SCRAM-SHA-1", "n,,", 0, "off", "pencils", SASL_NOT_AUTHORIZED },

		{ "SCRAM-SHA-1-PLUS", "p=tls-exporter,,", 'A', "user", "pencil", SASL_NO_FAILURE },
		{ "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", 'B', "user", "pencil",
			SASL_NO_FAILURE },
		{ "SCRAM-SHA-512-PLUS", "p=tls-unique,,", 'C', "user", "pencil", SASL_NO_FAILURE },
		/* another channel */
		{ "SCRAM-SHA-512-PLUS", "p=tls-unique,,", 'A', "user", "pencil",
			SASL_NOT_AUTHORIZED },
		/* no data */
		{ "SCRAM-SHA-512-PLUS", "p=tls-unique,,", 0, "user", "pencil",
			SASL_NOT_AUTHORIZED },
		/* data without flag */
		{ "SCRAM-SHA-512", "n,,", 'A', "user", "pencil", SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-512-PLUS", "p=tls-other,,", 'A', "user", "pencil",
			SASL_NOT_AUTHORIZED },
		/* -PLUS with n */
		{ "SCRAM-SHA-512-PLUS", "n,,", 0, "user", "pencil", SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-512-PLUS", "y,,", 0, "user", "pencil", SASL_NOT_AUTHORIZED },
		/* -PLUS was offered */
		{ "SCRAM-SHA-512", "y,,", 0, "user", "pencil", SASL_NOT_AUTHORIZED },
		/* binds without -PLUS */
		{ "SCRAM-SHA-512", "p=tls-exporter,,", 'A', "user", "pencil", SASL_NOT_AUTHORIZED },

		{ "SCRAM-SHA-256", "n,a=user@example.org,", 0, "user", "pencil", SASL_NO_FAILURE },
		{ "SCRAM-SHA-256", "n,a=USER@Example.ORG,", 0, "user", "pencil", SASL_NO_FAILURE },
		{ "SCRAM-SHA-256", "n,a=julia@example.org,", 0, "user", "pencil",
			SASL_INVALID_AUTHZID },
		{ "SCRAM-SHA-256", "n,a=user@example.org/orchard,", 0, "user", "pencil",
			SASL_INVALID_AUTHZID },
		{ "SCRAM-SHA-256", "n,a=user@elsewhere.example,", 0, "user", "pencil",
			SASL_INVALID_AUTHZID },
		{ "SCRAM-SHA-256", "n,a=example.org,", 0, "user", "pencil", SASL_INVALID_AUTHZID },
		{ "SCRAM-SHA-256", "n,a=user,", 0, "user", "pencil", SASL_INVALID_AUTHZID },
		{ "SCRAM-SHA-256", "n,a=us=2Cer@example.org,", 0, "user", "pencil",
			SASL_INVALID_AUTHZID },
		{ "SCRAM-SHA-256", "n,a=julia@example.org,", 0, "user", "wrong",
			SASL_NOT_AUTHORIZED },
		{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,a=julia@example.org,", 'A', "user",
			"pencil", SASL_INVALID_AUTHZID },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char cb[33] = "";
		struct try t = try_new();
		struct client c = { .mechanism = cases[i].mechanism, .header = cases[i].header,
			.cb = cb, .password = cases[i].password };

		if (cases[i].cb != 0)
			memset(cb, cases[i].cb, 32);
		is_int(login(&t, &c, cases[i].name), cases[i].want == SASL_NO_FAILURE ?
			SASL_SUCCESS : SASL_FAILURE, "%s %s %s %s: step",
			c.mechanism, c.header, cases[i].name, c.password);
		is_text(sasl_failure_name(t.failure), sasl_failure_name(cases[i].want), "… answer");
		is_text(t.data, cases[i].want == SASL_NO_FAILURE ? c.want : "",
			"… additional data");
		try_end(&t);
	}
}

/* y is right where no -PLUS was offered. */
static void
test_y_without_plus(void)
{
	struct try t = try_new();
	struct client c = { .mechanism = "SCRAM-SHA-1", .header = "y,,", .cb = "",
		.password = "pencil" };

	memset(t.offer.binding, 0, sizeof t.offer.binding);
	is_int(login(&t, &c, "user"), SASL_SUCCESS, "y, and the stream has no channel binding");
	t = (try_end(&t), try_new());
	t.offer.allowed = SASL_BIT(SASL_SCRAM_SHA_1);
	is_int(login(&t, &c, "user"), SASL_SUCCESS, "y, and -PLUS is configured off");
	t = (try_end(&t), try_new());
	t.offer.allowed = SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_SCRAM_SHA_512_PLUS);
	is_int(login(&t, &c, "user"), SASL_FAILURE, "y, and -PLUS of another hash was offered");
	try_end(&t);
}

/* Where a type of channel binding is not available, it is neither listed nor accepted: tls-unique
 * on TLS 1.3. */
static void
test_missing_binding(void)
{
	struct try t = try_new();
	struct client c = { .mechanism = "SCRAM-SHA-1-PLUS", .header = "p=tls-unique,,", .cb = "",
		.password = "pencil" };
	const char *types[SASL_BINDINGS];

	t.offer.binding[SASL_TLS_UNIQUE].n = 0;
	is_int(sasl_list_bindings(&t.offer, types), 2, "TLS 1.3: two types of channel binding");
	is_int(login(&t, &c, "user"), SASL_FAILURE, "tls-unique on TLS 1.3");
	is_text(sasl_failure_name(t.failure), "not-authorized", "tls-unique on TLS 1.3: answer");
	is_int(t.lookups, 0, "tls-unique on TLS 1.3: nobody is looked up");
	try_end(&t);
}

/* --- what is malformed --- */

static void
test_malformed_first(void)
{
	static const struct { const char *in; enum sasl_failure want; } cases[] = {
		{ "", SASL_MALFORMED_REQUEST },
		{ "n", SASL_MALFORMED_REQUEST },
		{ "n,", SASL_MALFORMED_REQUEST },
		{ "n,,", SASL_MALFORMED_REQUEST },
		{ ",,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "x,,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "N,,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "nn,,n=user,r=abc", SASL_MALFORMED_REQUEST },
		/* GS2's flag is not SCRAM's */
		{ "F,n,,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "p=,,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "p=tls unique,,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,a=,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,user,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,a=u=2ser,n=user,r=abc", SASL_MALFORMED_REQUEST },
		/* mandatory extensions */
		{ "n,,m=x,n=user,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,m=x,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,m=x", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,x=1,m=x", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,n=julia", SASL_MALFORMED_REQUEST },          /* twice */
		{ "n,,n=user,r=abc,r=def", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,p=abcd", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,,x=1", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,x=", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,1=x", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,garbage", SASL_MALFORMED_REQUEST },
		{ "n,,r=abc,n=user", SASL_MALFORMED_REQUEST },
		{ "n,,n=,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=user", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=a b", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=a\x7f", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=a\xc3\xa9", SASL_MALFORMED_REQUEST },
		/* upper-case only */
		{ "n,,n=us=2cer,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=us=er,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=user=,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=user=2,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=us\xff" "er,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=us\xed\xa0\x80" "er,r=abc", SASL_MALFORMED_REQUEST },   /* a surrogate */
		{ "n,,n=us\xc0\xaf" "er,r=abc", SASL_MALFORMED_REQUEST },       /* overlong */
		{ "n,,n=us\xf4\x90\x80\x80" "er,r=abc", SASL_MALFORMED_REQUEST },
		{ "n,,n=user,r=abc,x=\xe2\x82", SASL_MALFORMED_REQUEST },       /* cut off */
		/* no name of an account */
		{ "n,,n=us er,r=abc", SASL_NOT_AUTHORIZED },
		{ "n,,n=user@example.org,r=abc", SASL_NOT_AUTHORIZED },
		{ "n,,n=us=2Cer,r=abc", SASL_NO_FAILURE },
		{ "n,,n=us=3Der,r=abc", SASL_NO_FAILURE },
		/* optional extensions are ignored */
		{ "n,,n=user,r=abc,x=1,Y=2=3,h=z", SASL_NO_FAILURE },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct try t = try_new();

		try_start(&t, "SCRAM-SHA-256");
		is_int(try_text(&t, cases[i].in), cases[i].want == SASL_NO_FAILURE ?
			SASL_CHALLENGE : SASL_FAILURE, "first %s", cases[i].in);
		is_text(sasl_failure_name(t.failure), sasl_failure_name(cases[i].want), "… answer");
		is_int(t.lookups, cases[i].want == SASL_NO_FAILURE, "… lookups");
		try_end(&t);
	}
}

static void
test_first_by_length(void)
{
	static char big[SASL_MESSAGE_MAX + 2];
	struct try t = try_new();

	try_start(&t, "SCRAM-SHA-1");
	is_int(try_bytes(&t, "n,,n=us\0er,r=abc", 16), SASL_FAILURE, "a NUL in the name");
	is_text(sasl_failure_name(t.failure), "malformed-request", "a NUL in the name: answer");
	memset(big, 'a', sizeof big);
	memcpy(big, "n,,n=user,r=", 12);
	big[sizeof big - 1] = 0;
	try_start(&t, "SCRAM-SHA-1");
	is_int(try_text(&t, big), SASL_FAILURE, "too long a message");
	big[12 + 513] = 0;
	try_start(&t, "SCRAM-SHA-1");
	is_int(try_text(&t, big), SASL_FAILURE, "too long a nonce");
	big[12 + 512] = 0;
	try_start(&t, "SCRAM-SHA-1");
	is_int(try_text(&t, big), SASL_CHALLENGE, "the longest nonce");
	memcpy(big, "n,,n=", 5);
	memset(big + 5, 'a', 1100);
	strcpy(big + 5 + 1100, ",r=abc");
	try_start(&t, "SCRAM-SHA-1");
	is_int(try_text(&t, big), SASL_FAILURE, "too long a name");
	is_text(sasl_failure_name(t.failure), "not-authorized", "too long a name: answer");
	try_end(&t);
}

/* A right last message, spoilt in one place each. %C is c=, %R the nonce, %P the proof. */
static void
test_malformed_final(void)
{
	static const struct { const char *form; enum sasl_failure want; } cases[] = {
		{ "c=%C,r=%R,p=%P", SASL_NO_FAILURE },
		/* the proof covers extensions */
		{ "c=%C,r=%R,x=1,p=%P", SASL_NOT_AUTHORIZED },
		{ "", SASL_MALFORMED_REQUEST },
		{ "c=%C", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=", SASL_MALFORMED_REQUEST },
		{ "c=%C,p=%P,r=%R", SASL_MALFORMED_REQUEST },
		{ "r=%R,c=%C,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=%P,", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=%P,x=1", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=%P,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,m=1,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,c=%C,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,,p=%P", SASL_MALFORMED_REQUEST },
		{ "m=1,c=%C,r=%R,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=%P=", SASL_MALFORMED_REQUEST },          /* base64 */
		{ "c=%C,r=%R,p= %P", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=%P\t", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=@@@@", SASL_MALFORMED_REQUEST },
		/* too short to be a proof */
		{ "c=%C,r=%R,p=AAAA", SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%R,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SASL_NOT_AUTHORIZED },
		/* stray bits */
		{ "c=%C,r=%R,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
			SASL_MALFORMED_REQUEST },
		{ "c=%C,r=%Rx,p=%P", SASL_NOT_AUTHORIZED },             /* the nonce */
		{ "c=%C,r=abc,p=%P", SASL_NOT_AUTHORIZED },
		{ "c=%C,r=,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=eSws,r=%R,p=%P", SASL_NOT_AUTHORIZED },            /* y,, where n,, was sent */
		{ "c=biwsAA==,r=%R,p=%P", SASL_NOT_AUTHORIZED },
		{ "c=biw=,r=%R,p=%P", SASL_NOT_AUTHORIZED },
		{ "c=,r=%R,p=%P", SASL_MALFORMED_REQUEST },
		{ "c=***,r=%R,p=%P", SASL_NOT_AUTHORIZED },
		{ "c=%C,r=%R,x=\xff,p=%P", SASL_MALFORMED_REQUEST },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct try t = try_new();
		struct client c = { .mechanism = "SCRAM-SHA-256", .header = "n,,", .cb = "",
			.password = "pencil",
			.bare = "n=user,r=abc" };
		char nonce[256], proof[256], out[4096] = "";

		try_start(&t, c.mechanism);
		try_text(&t, "n,,n=user,r=abc");
		client_answer(&c, t.data, "");
		if (sscanf(c.final, "c=biws,r=%255[^,],p=%255s", nonce, proof) != 2)
			abort();
		for (const char *p = cases[i].form; *p != 0; p++) {
			if (*p == '%')
				p++, strcat(out, *p == 'C' ? "biws" : *p == 'R' ? nonce : proof);
			else
				strncat(out, p, 1);
		}
		is_int(try_text(&t, out), cases[i].want == SASL_NO_FAILURE ? SASL_SUCCESS :
			SASL_FAILURE, "last %s", cases[i].form);
		is_text(sasl_failure_name(t.failure), sasl_failure_name(cases[i].want), "… answer");
		is_text(t.step == SASL_FAILURE ? t.data : "", "", "… no data with a failure");
		try_end(&t);
	}
}

static void
test_extensions(void)
{
	struct try t = try_new();
	struct client c = { .mechanism = "SCRAM-SHA-1", .header = "n,,", .cb = "",
		.password = "pencil", .bare = "n=user,r=abc,z=9" };

	try_start(&t, c.mechanism);
	try_text(&t, "n,,n=user,r=abc,z=9");
	client_answer(&c, t.data, ",x=1,Q=\xc3\xa9");
	is_int(try_text(&t, c.final), SASL_SUCCESS, "optional extensions in both messages");
	try_end(&t);
}

/* --- who exists is not told --- */

static void
salt_and_count(struct try *t, const char *mechanism, const char *name, char out[256])
{
	char first[256];

	snprintf(first, sizeof first, "n,,n=%s,r=abc", name);
	try_start(t, mechanism);
	is_int(try_text(t, first), SASL_CHALLENGE, "%s gets a challenge by %s", name, mechanism);
	snprintf(out, 256, "%s", strstr(t->data, ",s=") != NULL ? strstr(t->data, ",s=") : "none");
}

static void
test_made_up(void)
{
	struct try t = try_new();
	char a[256], b[256];

	t.offer.allowed &= ~SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
	salt_and_count(&t, "SCRAM-SHA-1", "nobody", a);
	salt_and_count(&t, "SCRAM-SHA-1", "NOBODY", b);
	is_text(a, b, "an unknown name has one salt, in any spelling");
	salt_and_count(&t, "SCRAM-SHA-1", "somebody", b);
	ok(strcmp(a, b) != 0, "another unknown name has another salt");
	is_int(strlen(a), strlen(b), "… of the same length");
	salt_and_count(&t, "SCRAM-SHA-256", "nobody", b);
	ok(strcmp(a, b) != 0, "another hash has another salt");
	salt_and_count(&t, "SCRAM-SHA-256", "old", a);
	salt_and_count(&t, "SCRAM-SHA-256", "old", b);
	is_text(a, b, "an account without this hash has one salt");
	salt_and_count(&t, "SCRAM-SHA-256", "user", b);
	is_int(strlen(a), strlen(b), "a real salt has the length of a made-up one");
	is_text(strstr(a, ",i="), strstr(b, ",i="),
		"a real account has the iterations of a made-up one");
	t.offer.host = "elsewhere.example";
	salt_and_count(&t, "SCRAM-SHA-256", "old", b);
	ok(strcmp(a, b) != 0, "another host has another salt");
	try_end(&t);
}

static void
test_nonces(void)
{
	struct try t = try_new();
	char a[128], b[128];

	try_start(&t, "SCRAM-SHA-1");
	try_text(&t, "n,,n=user,r=abc");
	sscanf(t.data, "r=%127[^,]", a);
	try_start(&t, "SCRAM-SHA-1");
	try_text(&t, "n,,n=user,r=abc");
	sscanf(t.data, "r=%127[^,]", b);
	ok(strncmp(a, "abc", 3) == 0 && strlen(a) == 3 + SASL_NONCE,
		"the nonce begins with the client's half and has ours");
	ok(strcmp(a, b) != 0, "each attempt has a nonce of its own");

	/* With a right proof over it. */
	for (int i = 0; i < 2; i++) {
		struct client c = { .mechanism = "SCRAM-SHA-1", .header = "n,,", .cb = "",
			.password = "pencil",
			.nonce = i == 0 ? "clientnonce" : a };

		is_int(login(&t, &c, "user"), SASL_FAILURE,
			"a proof over the nonce of another attempt");
		is_text(sasl_failure_name(t.failure), "not-authorized", "… answer");
	}
	try_end(&t);
}

int
main(void)
{
	test_examples();
	test_downgrade_hash();
	test_logins();
	test_y_without_plus();
	test_missing_binding();
	test_malformed_first();
	test_first_by_length();
	test_malformed_final();
	test_extensions();
	test_made_up();
	test_nonces();
	return done_testing();
}
