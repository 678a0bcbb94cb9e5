/* SPDX-License-Identifier: MIT */
/* HT-SHA-256-*: against values that the draft's formulas give elsewhere (Python's hmac), and
 * against what clients must not send. */
#include "config.h"

#include "sasl_try.h"
#include "tap.h"

/* The example of XEP-0484. */
static const char token[] = "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm";

/* The channel's data are 32 times A (exporter), B (end point), C (unique), as in sasl_try.h. */
static const struct vector {
	const char *mechanism, *initiator, *responder;
} vectors[] = {
	{ "HT-SHA-256-NONE",
		"9097787461a184e0fa84ec00c1381190b6c4d16a8ec4453c7b2ac5e7fcf935ed",
		"4e513409631474863b986c9f3e8c1e27ca29d1d7ab9ed4097e7afd6007bf9c62" },
	{ "HT-SHA-256-EXPR",
		"9b23bd459b86a4f91509c4a9cd852eb6b726d0ac7c19c4fa8c413714862cd1f6",
		"77278c319d7a71f16c806dc24975f4b91ba8756c54ba40bd7a5a4fca478ae737" },
	{ "HT-SHA-256-ENDP",
		"2c5667cc276d428aab4a218e1f58ccee87b5e03c06b98f1e7c7657d19bd7c3f0",
		"0ce9caa3a549fda9ea31ad4f0991b936781a998ace0489ab301ed2270831c7cf" },
	{ "HT-SHA-256-UNIQ",
		"5f59edb8b50914f308b65231279f1d39e6e478806c09c52243888804f39b22d1",
		"7700de28d39ac2d0aff5e70865cb185956fc5ecf0954f92f2856572b9aa272b8" },
};

static void
from_hex(const char *hex, unsigned char out[32])
{
	for (int i = 0; i < 32; i++) {
		unsigned byte = 0;

		sscanf(hex + 2 * i, "%2x", &byte);
		out[i] = (unsigned char)byte;
	}
}

static struct try
tokens_try(void)
{
	struct try t = try_new();

	t.offer.tokens = true;
	return t;
}

static bool
start_token(struct try *t, const char *mechanism)
{
	sasl_free(&t->s);
	t->failure = SASL_NO_FAILURE;
	t->s = sasl_start_token(&t->offer, mechanism, &t->failure);
	return t->s != NULL;
}

/* "user NUL proof", then the account with these tokens. */
static enum sasl_step
prove(struct try *t, const char *name, const unsigned char *proof, size_t n,
	const struct sasl_token tokens[SASL_TOKENS])
{
	struct sasl_creds creds = { 0 };
	char message[256];
	size_t len = strlen(name) + 1;
	enum sasl_step step;

	memcpy(message, name, len);
	memcpy(message + len, proof, n);
	step = sasl_feed(t->s, message, len + n);
	if (step != SASL_NEED_ACCOUNT)
		return step;
	creds.disabled = strcmp(name, "off") == 0;
	memcpy(creds.tokens, tokens, sizeof creds.tokens);
	return sasl_account(t->s, strcmp(name, "nobody") == 0 ? SASL_NO_ACCOUNT : SASL_FOUND,
		&creds);
}

static void
test_vectors(void)
{
	for (size_t i = 0; i < N_ELEMENTS(vectors); i++) {
		struct try t = tokens_try();
		struct sasl_token tokens[SASL_TOKENS] = { { NULL, 0, false }, { token, 0, false } };
		unsigned char proof[32], answer[32];
		const unsigned char *data;
		size_t n;

		ok(sasl_mech_parse(vectors[i].mechanism, &tokens[1].mech), "%s is known",
			vectors[i].mechanism);
		from_hex(vectors[i].initiator, proof);
		from_hex(vectors[i].responder, answer);
		ok(start_token(&t, vectors[i].mechanism), "… and offered");
		is_int(prove(&t, "User", proof, 32, tokens), SASL_SUCCESS, "… proves the token");
		data = sasl_data(t.s, &n);
		ok(n == 32 && memcmp(data, answer, 32) == 0, "… and the server proves it too");
		is_text(sasl_local(t.s), "user", "… who it is");
		is_int(sasl_token_used(t.s), 1, "… by which token");
		is_int(sasl_checked(t.s, &(enum verifier_hash){ 0 }) == NULL, 1,
			"… not by a password");
		try_end(&t);
	}
}

static void
test_refused(void)
{
	static const struct { const char *what, *name; int tokens, bytes; enum sasl_failure want;
		} cases[] = {
		{ "the other slot", "user", 0, 32, SASL_NO_FAILURE },
		{ "no token", "user", 2, 32, SASL_NOT_AUTHORIZED },
		{ "another token", "user", 3, 32, SASL_NOT_AUTHORIZED },
		{ "a token for another mechanism", "user", 4, 32, SASL_NOT_AUTHORIZED },
		{ "an expired token", "user", 5, 32, SASL_CREDENTIALS_EXPIRED },
		{ "a disabled account", "off", 0, 32, SASL_ACCOUNT_DISABLED },
		{ "nobody", "nobody", 2, 32, SASL_NOT_AUTHORIZED },
		{ "a short proof", "user", 0, 31, SASL_MALFORMED_REQUEST },
		{ "a long proof", "user", 0, 33, SASL_MALFORMED_REQUEST },
		{ "no proof", "user", 0, 0, SASL_MALFORMED_REQUEST },
		{ "no name", "", 0, 32, SASL_MALFORMED_REQUEST },
		{ "a name that none can have", "us er", 0, 32, SASL_NOT_AUTHORIZED },
		{ "a name that is not UTF-8", "\xff", 0, 32, SASL_MALFORMED_REQUEST },
	};
	const enum sasl_mech none = SASL_HT_SHA_256_NONE, expr = SASL_HT_SHA_256_EXPR;
	const struct sasl_token sets[][SASL_TOKENS] = {
		{ { token, none, false } }, { { NULL, none, false }, { token, none, false } },
		{ { NULL, none, false } },
		{ { "another", none, false }, { "and another", none, false } },
		{ { token, expr, false } }, { { token, none, true } },
	};
	unsigned char proof[33] = { 0 };

	from_hex(vectors[0].initiator, proof);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct try t = tokens_try();
		enum sasl_step step;

		ok(start_token(&t, "HT-SHA-256-NONE"), "%s", cases[i].what);
		step = prove(&t, cases[i].name, proof, (size_t)cases[i].bytes,
			sets[cases[i].tokens]);
		is_int(step, cases[i].want == SASL_NO_FAILURE ? SASL_SUCCESS : SASL_FAILURE,
			"… step");
		is_text(sasl_failure_name(sasl_failure(t.s)), sasl_failure_name(cases[i].want),
			"… answer");
		try_end(&t);
	}
}

static void
test_offers(void)
{
	struct try t = tokens_try();
	const char *names[SASL_MECHS];

	is_int(sasl_list_tokens(&t.offer, names), 4, "all of them with TLS 1.2");
	is_text(names[0], "HT-SHA-256-EXPR", "… the best first");
	ok(!try_start(&t, "HT-SHA-256-NONE"), "none of them is a mechanism beside the others");
	ok(!start_token(&t, "PLAIN"), "nor the other way round");
	t.offer.binding[SASL_TLS_UNIQUE].n = 0;
	is_int(sasl_list_tokens(&t.offer, names), 3, "no UNIQ with TLS 1.3");
	ok(!start_token(&t, "HT-SHA-256-UNIQ"), "… nor is it taken");
	t.offer.binding[SASL_TLS_EXPORTER].n = 0;
	is_int(sasl_list_tokens(&t.offer, names), 0, "none without extended master secret");
	t = tokens_try();
	t.offer.tls = false;
	is_int(sasl_list_tokens(&t.offer, names), 0, "none without TLS");
	t = tokens_try();
	t.offer.tokens = false;
	is_int(sasl_list_tokens(&t.offer, names), 0, "none where they are switched off");
	ok(!start_token(&t, "HT-SHA-256-NONE"), "… nor taken");
}

int
main(void)
{
	test_offers();
	test_vectors();
	test_refused();
	return done_testing();
}
