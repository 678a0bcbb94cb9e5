/* SPDX-License-Identifier: MIT */
/* SASL apart from SCRAM: what is offered, PLAIN, EXTERNAL, ANONYMOUS, the steps and their order,
 * upgrades. */
#include "config.h"


#include "sasl_try.h"
#include "tap.h"

/* --- what is offered --- */

static const char *
listed(const struct sasl_offer *o)
{
	static char text[512];
	const char *names[SASL_MECHS];
	size_t n = sasl_list(o, names);

	text[0] = 0;
	for (size_t i = 0; i < n; i++)
		strcat(strcat(text, i > 0 ? " " : ""), names[i]);
	return text;
}

static void
test_offers(void)
{
	struct try t = try_new();
	const char *types[SASL_BINDINGS];

	is_text(listed(&t.offer),
		"EXTERNAL SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 "
		"SCRAM-SHA-256 "
		"SCRAM-SHA-1 PLAIN ANONYMOUS", "everything, best first");
	is_int(sasl_list_bindings(&t.offer, types), 3, "all channel bindings");
	is_text(types[0], "tls-exporter", "… the best first");
	t.offer.allowed = SASL_DEFAULT;
	is_text(listed(&t.offer),
		"SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 "
		"SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", "the default");
	t.offer.tls = false;
	is_text(listed(&t.offer), "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1", "without TLS");
	is_int(sasl_list_bindings(&t.offer, types), 0, "without TLS no channel binding");
	t.offer.plain_without_tls = true;
	is_text(listed(&t.offer), "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN",
		"PLAIN without TLS, where that is set");
	t.offer.tls = true;
	t.offer.allowed = SASL_BIT(SASL_PLAIN);
	is_int(sasl_list_bindings(&t.offer, types), 0, "no channel binding without -PLUS");
	t.offer.allowed = SASL_BIT(SASL_SCRAM_SHA_256_PLUS);
	memset(t.offer.binding, 0, sizeof t.offer.binding);
	is_text(listed(&t.offer), "", "no -PLUS without channel binding");
	t.offer.allowed = SASL_BIT(SASL_EXTERNAL);
	t.offer.host = "third.example";
	is_text(listed(&t.offer), "",
		"no EXTERNAL when the certificate has no address of this host");
	t.offer.host = "example.org";
	t.offer.n_cert_jids = 0;
	is_text(listed(&t.offer), "", "no EXTERNAL without a certificate");
}

/* Only what was offered on this stream is accepted. */
static void
test_not_offered(void)
{
	static const struct { const char *mechanism; unsigned allowed; bool tls, bindings;
		const char *want; } cases[] = {
		{ NULL, SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "", SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "DIGEST-MD5", SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "scram-sha-1", SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "SCRAM-SHA-1 ", SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "ANONYMOUS", SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "EXTERNAL", SASL_DEFAULT, true, true, "invalid-mechanism" },
		{ "EXTERNAL", SASL_BIT(SASL_EXTERNAL), false, true, "invalid-mechanism" },
		{ "PLAIN", SASL_DEFAULT, false, false, "encryption-required" },
		{ "PLAIN", SASL_BIT(SASL_SCRAM_SHA_1), true, true, "invalid-mechanism" },
		{ "PLAIN", SASL_BIT(SASL_SCRAM_SHA_1), false, true, "invalid-mechanism" },
		{ "SCRAM-SHA-1-PLUS", SASL_DEFAULT, true, false, "invalid-mechanism" },
		{ "SCRAM-SHA-1-PLUS", SASL_DEFAULT, false, true, "invalid-mechanism" },
		{ "SCRAM-SHA-1", SASL_BIT(SASL_PLAIN), true, true, "invalid-mechanism" },
		{ "SCRAM-SHA-1", SASL_DEFAULT, false, false, "" },
		{ "PLAIN", SASL_DEFAULT, true, false, "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct try t = try_new();

		t.offer.allowed = cases[i].allowed;
		t.offer.tls = cases[i].tls;
		if (!cases[i].bindings)
			memset(t.offer.binding, 0, sizeof t.offer.binding);
		is_int(try_start(&t, cases[i].mechanism), cases[i].want[0] == 0,
			"start %s, case %zu",
			cases[i].mechanism != NULL ? cases[i].mechanism : "nothing", i);
		is_text(sasl_failure_name(t.failure), cases[i].want, "… answer");
		try_end(&t);
	}
}

/* --- PLAIN --- */

#define PLAIN(bytes) bytes, sizeof(bytes) - 1

static void
test_plain(void)
{
	static const struct { const char *bytes; size_t n; enum sasl_failure want; int works;
		} cases[] = {
		{ PLAIN("\0user\0pencil"), SASL_NO_FAILURE, 1 },
		{ PLAIN("\0USER\0pencil"), SASL_NO_FAILURE, 1 },
		{ PLAIN("user@example.org\0user\0pencil"), SASL_NO_FAILURE, 1 },
		{ PLAIN("User@EXAMPLE.org\0user\0pencil"), SASL_NO_FAILURE, 1 },
		{ PLAIN("\0new\0pencil"), SASL_NO_FAILURE, 1 },
		/* imported with SHA-1 alone */
		{ PLAIN("\0old\0pencil"), SASL_NO_FAILURE, 1 },
		{ PLAIN("\0old\0pencils"), SASL_NOT_AUTHORIZED, 1 },
		{ PLAIN("\0user\0pencils"), SASL_NOT_AUTHORIZED, 1 },
		{ PLAIN("\0user\0Pencil"), SASL_NOT_AUTHORIZED, 1 },
		{ PLAIN("\0user\0pencil "), SASL_NOT_AUTHORIZED, 1 },
		/* hashed all the same */
		{ PLAIN("\0nobody\0pencil"), SASL_NOT_AUTHORIZED, 1 },
		{ PLAIN("\0off\0pencil"), SASL_ACCOUNT_DISABLED, 1 },
		{ PLAIN("\0off\0pencils"), SASL_NOT_AUTHORIZED, 1 },
		{ PLAIN("julia@example.org\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("nobody@example.org\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("user@example.org/orchard\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("user\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("example.org\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("user@elsewhere.example\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("@@@\0user\0pencil"), SASL_INVALID_AUTHZID, 1 },
		{ PLAIN("julia@example.org\0user\0wrong"), SASL_NOT_AUTHORIZED, 1 },
		{ PLAIN("\0us er\0pencil"), SASL_NOT_AUTHORIZED, 0 },
		{ PLAIN("\0user@example.org\0pencil"), SASL_NOT_AUTHORIZED, 0 },
		/* no password has such characters */
		{ PLAIN("\0user\0pen\ncil"), SASL_NOT_AUTHORIZED, 0 },
		{ PLAIN(""), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0\0"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("user"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("user\0pencil"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0user\0"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0\0pencil"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0user\0pencil\0"), SASL_MALFORMED_REQUEST, 0 },       /* an extra NUL */
		{ PLAIN("\0user\0pencil\0x"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0user\0\0pencil"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0\0user\0pencil"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0us\xffr\0pencil"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\xc3\0user\0pencil"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0user\0pencil\xed\xa0\x80"), SASL_MALFORMED_REQUEST, 0 },
		{ PLAIN("\0user\0pencil\xe0\x80\xaf"), SASL_MALFORMED_REQUEST, 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct try t = try_new();

		try_start(&t, "PLAIN");
		is_int(try_bytes(&t, cases[i].bytes, cases[i].n), cases[i].want == SASL_NO_FAILURE ?
			SASL_SUCCESS : SASL_FAILURE,
			"PLAIN, case %zu", i);
		is_text(sasl_failure_name(t.failure), sasl_failure_name(cases[i].want), "… answer");
		is_int(t.works, cases[i].works, "… password hashed");
		is_text(t.data, "", "… no additional data");
		try_end(&t);
	}
}

static void
test_plain_lengths(void)
{
	static char text[SASL_MESSAGE_MAX + 1];
	struct try t = try_new();

	memcpy(text, "\0user\0", 6);
	memset(text + 6, 'x', sizeof text - 6);
	try_start(&t, "PLAIN");
	try_bytes(&t, text, 6 + VERIFIER_PASSWORD_MAX);
	is_int(t.works, 1, "the longest password is checked");
	try_start(&t, "PLAIN");
	try_bytes(&t, text, 6 + VERIFIER_PASSWORD_MAX + 1);
	is_text(sasl_failure_name(t.failure), "not-authorized", "too long a password");
	is_int(t.works, 1, "… is not hashed");
	try_start(&t, "PLAIN");
	try_bytes(&t, text, sizeof text);
	is_text(sasl_failure_name(t.failure), "malformed-request", "too long a message");
	try_end(&t);
}

/* --- EXTERNAL and ANONYMOUS --- */

static void
test_external(void)
{
	static const char *const one[] = { "User@Example.org", "julia@elsewhere.example",
		"not a jid", "example.org" };
	static const char *const two[] = { "user@example.org", "julia@example.org" };
	static const char *const twice[] = { "user@example.org", "USER@example.org" };
	static const char *const stranger[] = { "stranger@example.org" };
	static const char *const off[] = { "off@example.org" };
	static const struct { const char *const *jids; size_t n; const char *authzid;
		const char *want, *local; } cases[] = {
		{ one, 4, "", "", "user" },
		{ one, 4, "user@example.org", "", "user" },
		{ one, 4, "USER@example.ORG", "", "user" },
		{ one, 4, "julia@example.org", "invalid-authzid", NULL },
		{ one, 4, "julia@elsewhere.example", "invalid-authzid", NULL },
		{ one, 4, "example.org", "invalid-authzid", NULL },
		{ one, 4, "user@example.org/orchard", "invalid-authzid", NULL },
		{ one, 4, "@@", "invalid-authzid", NULL },
		{ one, 4, "\xff", "malformed-request", NULL },
		{ two, 2, "", "invalid-authzid", NULL },
		{ two, 2, "julia@example.org", "", "julia" },
		{ twice, 2, "", "", "user" },
		{ stranger, 1, "", "not-authorized", "stranger" },
		{ off, 1, "", "account-disabled", "off" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct try t = try_new();

		t.offer.cert_jids = cases[i].jids;
		t.offer.n_cert_jids = cases[i].n;
		ok(try_start(&t, "EXTERNAL"), "EXTERNAL, case %zu", i);
		is_int(try_bytes(&t, NULL, 0), SASL_CHALLENGE,
			"… without initial response: an empty challenge");
		try_text(&t, cases[i].authzid);
		is_text(sasl_failure_name(t.failure), cases[i].want, "… answer");
		is_text(sasl_local(t.s), cases[i].local, "… name");
		try_end(&t);
	}
}

static void
test_anonymous(void)
{
	static char trace[1025];
	struct try t = try_new();
	char first[64];

	try_start(&t, "ANONYMOUS");
	is_int(try_bytes(&t, NULL, 0), SASL_SUCCESS, "ANONYMOUS without a word");
	ok(sasl_is_anonymous(t.s), "… is anonymous");
	is_int(strlen(sasl_local(t.s)), 32, "… with a name of 128 bits");
	is_int(t.lookups, 0, "… and no account");
	snprintf(first, sizeof first, "%s", sasl_local(t.s));
	try_start(&t, "ANONYMOUS");
	is_int(try_text(&t, "somebody"), SASL_SUCCESS, "ANONYMOUS with a trace");
	ok(strcmp(first, sasl_local(t.s)) != 0, "… and another name");
	memset(trace, 0, sizeof trace);
	for (int i = 0; i < 255; i++)
		memcpy(trace + 4 * i, "\xf0\x9f\x98\x80", 4);
	try_start(&t, "ANONYMOUS");
	is_int(try_text(&t, trace), SASL_SUCCESS, "a trace of 255 characters of four bytes");
	strcat(trace, "x");
	try_start(&t, "ANONYMOUS");
	is_int(try_text(&t, trace), SASL_FAILURE, "a trace of 256 characters");
	is_text(sasl_failure_name(t.failure), "malformed-request", "… answer");
	try_start(&t, "ANONYMOUS");
	is_int(try_text(&t, "a\nb"), SASL_FAILURE, "a trace with a line end");
	try_start(&t, "ANONYMOUS");
	is_int(try_text(&t, "a\xc0\x80"), SASL_FAILURE, "a trace that is not UTF-8");
	try_end(&t);
}

/* --- the text on the wire --- */

static void
feed(struct try *t, const char *text)
{
	try_go(t, sasl_feed_text(t->s, text, strlen(text)));
}

static void
test_text(void)
{
	static const char *const wrong[] = { "AHVzZXIAcGVuY2ls ", "AHVzZXIA\ncGVuY2ls",
		"AHVzZXIAcGVuY2l", "A", "==", "AHVz==", "\xff\xff\xff\xff",
		"AHVzZXIAcGVuY2lz=" , "-_-_" };
	static char big[2 * SASL_MESSAGE_MAX];
	struct try t = try_new();

	try_start(&t, "PLAIN");
	feed(&t, "AHVzZXIAcGVuY2ls");
	is_int(t.step, SASL_SUCCESS, "PLAIN in base64");
	is_text(sasl_data_text(t.s), "", "… no data with success");

	try_start(&t, "PLAIN");
	feed(&t, "");
	is_int(t.step, SASL_CHALLENGE, "no initial response: a challenge");
	is_text(sasl_data_text(t.s), "", "… an empty one");
	feed(&t, "AHVzZXIAcGVuY2ls");
	is_int(t.step, SASL_SUCCESS, "… the answer to it");

	try_start(&t, "PLAIN");
	feed(&t, "=");
	is_text(sasl_failure_name(t.failure), "malformed-request",
		"an empty initial response is not an absent one");
	try_start(&t, "PLAIN");
	feed(&t, "");
	feed(&t, "");
	is_text(sasl_failure_name(t.failure), "malformed-request",
		"an empty answer is an empty message");
	try_start(&t, "EXTERNAL");
	feed(&t, "=");
	is_int(t.step, SASL_SUCCESS, "EXTERNAL with an empty initial response");
	try_start(&t, "EXTERNAL");
	feed(&t, "");
	feed(&t, "");
	is_int(t.step, SASL_SUCCESS, "EXTERNAL with an empty answer");

	for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
		try_start(&t, "PLAIN");
		feed(&t, wrong[i]);
		is_text(sasl_failure_name(t.failure), "incorrect-encoding", "not base64, case %zu",
			i);
	}
	try_start(&t, "SCRAM-SHA-1");
	feed(&t, "biwsbj11c2VyLHI9YWJj");
	is_int(t.step, SASL_CHALLENGE, "SCRAM in base64");
	ok(strncmp(sasl_data_text(t.s), "cj1hYm", 6) == 0, "… its challenge too");
	feed(&t, "c=biws");
	is_text(sasl_failure_name(t.failure), "incorrect-encoding",
		"a proof that is not base64 gets an answer");
	memset(big, 'A', sizeof big - 1);
	try_start(&t, "SCRAM-SHA-1");
	feed(&t, big);
	is_text(sasl_failure_name(t.failure), "malformed-request", "too long a text");
	try_end(&t);
}

/* --- the order of steps --- */

static void
test_failures_of_ours(void)
{
	static const char *const mechanisms[] = { "PLAIN", "SCRAM-SHA-256", "EXTERNAL" };
	static const struct { const char *bytes; size_t n; } messages[] =
		{ { PLAIN("\0user\0pencil") }, { PLAIN("n,,n=user,r=abc") },
		{ PLAIN("") } };
	struct try t = try_new();

	t.lookup_fails = true;
	for (int i = 0; i < 3; i++) {
		try_start(&t, mechanisms[i]);
		is_int(try_bytes(&t, messages[i].bytes, messages[i].n), SASL_FAILURE,
			"%s while the database is away", mechanisms[i]);
		is_text(sasl_failure_name(t.failure), "temporary-auth-failure", "… answer");
	}
	t.lookup_fails = false;
	t.pool_full = true;
	try_start(&t, "PLAIN");
	try_bytes(&t, messages[0].bytes, messages[0].n);
	is_text(sasl_failure_name(t.failure), "temporary-auth-failure",
		"PLAIN while the pool is full");
	try_end(&t);
}

static void
test_out_of_turn(void)
{
	struct try t = try_new();
	struct sasl_creds creds = try_creds("user");
	struct sasl_work *w, *none = NULL;

	try_start(&t, "PLAIN");
	is_int(sasl_feed(t.s, "\0user\0pencil", 12), SASL_NEED_ACCOUNT,
		"PLAIN asks for the account");
	is_int(sasl_feed(t.s, "\0user\0pencil", 12), SASL_FAILURE, "a message meanwhile fails");
	is_int(sasl_account(t.s, SASL_FOUND, &creds), SASL_FAILURE,
		"… and the account comes too late");
	is_text(sasl_failure_name(sasl_failure(t.s)), "malformed-request",
		"… and keeps the answer");
	ok(sasl_take_work(t.s) == NULL, "… there is no work to take");

	try_start(&t, "PLAIN");
	sasl_feed(t.s, "\0user\0pencil", 12);
	is_int(sasl_account(t.s, SASL_FOUND, &creds), SASL_NEED_HASH, "PLAIN asks for hashing");
	w = sasl_take_work(t.s);
	ok(w != NULL && sasl_take_work(t.s) == NULL, "the work is taken once");
	sasl_work_run(w);
	is_int(sasl_feed(t.s, "x", 1), SASL_FAILURE, "a message while it is hashed fails");
	is_int(sasl_give_work(t.s, &w), SASL_FAILURE, "… and the right password comes too late");
	ok(w == NULL, "… the work is taken back");
	is_int(sasl_feed(t.s, "x", 1), SASL_FAILURE, "a message after the end");
	is_int(sasl_give_work(t.s, &none), SASL_FAILURE, "no work given back");
	ok(sasl_take_upgrade(t.s) == NULL, "no upgrade after a failure");

	try_start(&t, "PLAIN");
	sasl_feed(t.s, "\0user\0pencil", 12);
	sasl_account(t.s, SASL_FOUND, &creds);
	w = sasl_take_work(t.s);
	try_end(&t);
	sasl_work_run(w);
	sasl_work_free(&w);
	ok(w == NULL, "the attempt may go while its work is done");

	try_start(&t, "PLAIN");
	is_int(sasl_account(t.s, SASL_FOUND, &creds), SASL_FAILURE,
		"an account that nobody asked for");
	try_start(&t, "SCRAM-SHA-1");
	is_int(sasl_give_work(t.s, &none), SASL_FAILURE, "work that nobody asked for");
	try_start(&t, "ANONYMOUS");
	try_bytes(&t, NULL, 0);
	is_int(try_bytes(&t, NULL, 0), SASL_FAILURE, "a message after success");
	try_end(&t);
	sasl_free(&t.s);
	sasl_work_run(none);
	sasl_work_free(&none);
	ok(true, "freeing nothing is fine");
}

/* --- upgrades --- */

static struct sasl_work *
upgrade_of(struct try *t, const char *message, size_t n)
{
	struct sasl_work *w;

	try_start(t, "PLAIN");
	try_bytes(t, message, n);
	w = sasl_take_upgrade(t->s);
	if (w != NULL)
		sasl_work_run(w);
	return w;
}

static void
is_made(const struct sasl_work *w, unsigned want, const char *what)
{
	unsigned made = 0, right = 0;

	for (int h = 0; w != NULL && h < VERIFIER_HASHES; h++) {
		const struct verifier *v = &sasl_work_made(w)->of[h];

		made |= v->iterations != 0 ? 1u << h : 0;
		right |= verifier_matches(v, h, "pencil", 6) ? 1u << h : 0;
	}
	is_int(made, want, "%s: what is made", what);
	is_int(right, made, "%s: … belongs to the password", what);
}

static void
test_upgrades(void)
{
	struct try t = try_new();
	struct sasl_work *w;
	enum verifier_hash h;

	ok(upgrade_of(&t, PLAIN("\0user\0pencil")) == NULL, "an account that has everything");
	ok(upgrade_of(&t, PLAIN("\0new\0wrong")) == NULL, "no upgrade from a wrong password");
	ok(upgrade_of(&t, PLAIN("\0off\0pencil")) == NULL, "no upgrade of a disabled account");
	ok(upgrade_of(&t, PLAIN("julia@example.org\0new\0pencil")) == NULL,
		"no upgrade with a foreign authzid");

	w = upgrade_of(&t, PLAIN("\0new\0pencil"));
	is_made(w, 1 << VERIFIER_SHA1 | 1 << VERIFIER_SHA512, "SHA-256 alone");
	ok(sasl_work_checked(w, &h)->iterations == TRY_ITERATIONS && h == VERIFIER_SHA256,
		"… checked by SHA-256");
	ok(sasl_take_upgrade(t.s) == NULL, "… taken once");
	sasl_work_free(&w);

	w = upgrade_of(&t, PLAIN("\0old\0pencil"));
	is_made(w, 1 << VERIFIER_SHA256 | 1 << VERIFIER_SHA512, "SHA-1 alone");
	ok(sasl_work_checked(w, &h)->iterations == TRY_ITERATIONS && h == VERIFIER_SHA1,
		"… checked by SHA-1");
	sasl_work_free(&w);

	t.offer.iterations = TRY_ITERATIONS * 2;
	w = upgrade_of(&t, PLAIN("\0user\0pencil"));
	is_made(w, 7, "fewer iterations than the setting");
	is_int(w != NULL ? sasl_work_made(w)->of[VERIFIER_SHA1].iterations : 0, TRY_ITERATIONS * 2,
		"… with as many as that");
	sasl_work_free(&w);

	t.offer.allowed = SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_SCRAM_SHA_512);
	w = upgrade_of(&t, PLAIN("\0old\0pencil"));
	is_made(w, 1 << VERIFIER_SHA256 | 1 << VERIFIER_SHA512, "no SHA-1 where it is off");
	sasl_work_free(&w);

	t.offer.iterations = TRY_ITERATIONS / 2;
	ok(upgrade_of(&t, PLAIN("\0user\0pencil")) == NULL,
		"more iterations than the setting are left alone");
	try_end(&t);
}

static void
test_names(void)
{
	enum sasl_mech m;

	for (int i = 0; i < SASL_MECHS; i++)
		ok(sasl_mech_parse(sasl_mech_name(i), &m) && m == (enum sasl_mech)i, "%s",
			sasl_mech_name(i));
	ok(!sasl_mech_parse("LOGIN", &m), "no other mechanism");
	for (int i = SASL_ABORTED; i < SASL_FAILURES; i++)
		ok(sasl_failure_name(i)[0] != 0, "%s", sasl_failure_name(i));
}

int
main(void)
{
	test_offers();
	test_not_offered();
	test_plain();
	test_plain_lengths();
	test_external();
	test_anonymous();
	test_text();
	test_failures_of_ours();
	test_out_of_turn();
	test_upgrades();
	test_names();
	return done_testing();
}
