/* SPDX-License-Identifier: MIT */
/* tls certificates: names that match, the layouts of the folder, broken files, and what a reload
 * keeps. */
#include "config.h"

#include "base/log.h"
#include "net/tls.h"
#include "test_net_help.h"

static char *dir, error[512];

static const struct { const char *names, *host; bool matches; } name_cases[] = {
	{ "DNS:example.org", "example.org", true },
	{ "DNS:Example.ORG", "example.org", true },
	{ "DNS:example.org", "EXAMPLE.org", true },
	{ "DNS:example.org", "www.example.org", false },
	{ "DNS:*.example.org", "www.example.org", true },
	{ "DNS:*.example.org", "example.org", false },
	{ "DNS:*.example.org", "a.b.example.org", false },
	{ "DNS:*.example.org", ".example.org", false },
	{ "DNS:w*.example.org", "www.example.org", false },
	{ "DNS:www.*.org", "www.example.org", false },
	{ "DNS:*.org", "example.org", false },
	{ "DNS:*", "example", false },
	{ "DNS:xn--bcher-kva.example", "bücher.example", true },
	{ "DNS:xn--bcher-kva.example", "xn--bcher-kva.example", true },
	{ "DNS:other.org, DNS:example.org", "example.org", true },
	{ "email:example.org@x, URI:http://example.org", "example.org", false },
	{ "IP:192.0.2.1", "192.0.2.1", false },
	{ NULL, "test", false },                /* it is the common name; nobody looks at that */
	{ "DNS:example.org", "", false },
	{ "DNS:example.org", "example.org.", true },
};

static void
test_names(void)
{
	EVP_PKEY *key = help_key(EVP_PKEY_EC);

	for (size_t i = 0; i < N_ELEMENTS(name_cases); i++) {
		struct cert_wish wish = { .names = name_cases[i].names };
		X509 *cert = help_cert(&wish, key);

		is_int(tls_cert_matches(cert, name_cases[i].host), name_cases[i].matches,
			"%s for \"%s\"",
			name_cases[i].names == NULL ? "no names" : name_cases[i].names,
			name_cases[i].host);
		X509_free(cert);
	}
	EVP_PKEY_free(key);
}

/* "example.org\0.evil.org": C strings would read half of it. */
static void
test_nul_in_name(void)
{
	EVP_PKEY *key = help_key(EVP_PKEY_EC);
	struct cert_wish wish = { .names = NULL };
	X509 *cert = help_cert(&wish, key);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	for (int i = 0; i < 2; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		ASN1_STRING_set(text, i == 0 ? "example.org" : "example.org\0.evil.org",
			i == 0 ? 11 : 21);
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		sk_GENERAL_NAME_push(names, name);
	}
	X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
	X509_sign(cert, key, EVP_sha256());
	ok(!tls_cert_matches(cert, "example.org"), "a NUL in any name: trusted for none");
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static struct tls_ctx *
load(struct tls_ctx *old, const char *const *hosts)
{
	struct tls_conf conf = { .cert_dir = dir, .hosts = hosts };

	error[0] = '\0';
	return tls_load(&conf, TLS_C2S, old, error, sizeof(error));
}

#define HOSTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char listed[1024];

static void
list_one(void *arg, const char *host, const char *file, int64_t not_after, bool names_match)
{
	size_t n = strlen(listed);

	(void)arg;
	snprintf(listed + n, sizeof(listed) - n, "%s=%s%s%s ", host, file + strlen(dir) + 1,
		names_match ? "" : "!", not_after > time(NULL) ? "" : "(expired)");
}

static const char *
list(const struct tls_ctx *ctx)
{
	listed[0] = '\0';
	tls_each(ctx, list_one, NULL);
	return listed;
}

static void
test_layouts(void)
{
	struct tls_ctx *ctx;
	char sub[128];

	snprintf(sub, sizeof(sub), "%s/c.example", dir);
	mkdir(sub, 0700);
	help_write_cert(dir, "a.example.crt", "a.example.key",
		(struct cert_wish){ "DNS:a.example, DNS:*.a.example", 0, 0, NULL });
	help_write_cert(dir, "b.example.pem", "b.example.pem", (struct cert_wish){ "DNS:b.example",
		EVP_PKEY_RSA, 0, NULL });
	help_write_cert(dir, "c.example/fullchain.pem", "c.example/privkey.pem",
		(struct cert_wish){ "DNS:c.example", 0, 0, NULL });
	help_write_cert(dir, "*.d.example.crt", "*.d.example.key",
		(struct cert_wish){ "DNS:*.d.example", 0, 0, NULL });
	help_write_cert(dir, "xn--bcher-kva.example.crt", "xn--bcher-kva.example.key",
		(struct cert_wish){ "DNS:xn--bcher-kva.example", 0, 0, NULL });
	help_write_cert(dir, "wrong.example.crt", "wrong.example.key",
		(struct cert_wish){ "DNS:right.example", 0, 0, NULL });
	help_write_cert(dir, "old.example.crt", "old.example.key",
		(struct cert_wish){ "DNS:old.example", 0, -1, NULL });
	help_write_cert(dir, "ed.example.crt", "ed.example.key",
		(struct cert_wish){ "DNS:ed.example", EVP_PKEY_ED25519, 0, NULL });

	ctx = load(NULL, HOSTS("a.example", "b.example", "c.example", "x.d.example",
		"bücher.example", "wrong.example", "old.example",
		"chat.a.example", "nothing.example", "ed.example"));
	ok(ctx != NULL, "loaded: %s", error);
	is_text(list(ctx), "a.example=a.example.crt b.example=b.example.pem "
		"c.example=c.example/fullchain.pem x.d.example=*.d.example.crt "
		"bücher.example=xn--bcher-kva.example.crt wrong.example=wrong.example.crt! "
		"old.example=old.example.crt(expired) "
		"ed.example=ed.example.crt chat.a.example=a.example.crt ",
		"every layout, and a host served by another's wildcard");
	ok(tls_has(ctx, "a.example") && tls_has(ctx, "A.Example") && tls_has(ctx, "bücher.example"),
		"has");
	ok(tls_has(ctx, "anything.a.example") && !tls_has(ctx, "nothing.example"),
		"has by wildcard, has not");
	ok(llabs(tls_expiry(ctx, "b.example") - time(NULL) - 30 * 86400) < 100, "expiry");
	is_int(tls_expiry(ctx, "nothing.example"), 0, "expiry of nothing");
	tls_unref(&ctx);
	ok(ctx == NULL, "unref nulls");
}

static void
test_broken(void)
{
	struct tls_ctx *ctx;
	char path[160];

	ok(load(NULL, HOSTS("nothing.example")) == NULL, "nothing usable");
	snprintf(path, sizeof(path), "no usable certificate: there is no certificate for "
		"nothing.example in %s", dir);
	is_text(error, path, "says what is missing");
	ok(load(NULL, HOSTS("../etc/x")) == NULL, "a host is no path");

	help_write(dir, "e.example.crt", "this is no certificate\n");
	help_write(dir, "e.example.key", "nor is this a key\n");
	ok(load(NULL, HOSTS("e.example")) == NULL, "no certificate in the file");
	ok(strstr(error, "e.example.crt: no certificate in it") != NULL, "says so: %s", error);

	help_write_cert(dir, "f.example.crt", "other.key", (struct cert_wish){ "DNS:f.example", 0,
		0, NULL });
	help_write_cert(dir, "other.crt", "f.example.key", (struct cert_wish){ "DNS:f.example", 0,
		0, NULL });
	ok(load(NULL, HOSTS("f.example")) == NULL && strstr(error, "does not belong") != NULL,
		"a foreign key: %s", error);

	help_write_cert(dir, "g.example.crt", "gone.key", (struct cert_wish){ "DNS:g.example", 0,
		0, NULL });
	ok(load(NULL, HOSTS("g.example")) == NULL &&
		strstr(error, "g.example.key: No such file") != NULL, "no key: %s", error);

	ctx = load(NULL, HOSTS("e.example", "a.example", "f.example"));
	ok(ctx != NULL, "broken ones among good ones do not matter to these");
	is_text(list(ctx), "a.example=a.example.crt ", "and are left out");
	tls_unref(&ctx);
}

static void
test_reload(void)
{
	struct tls_ctx *ctx, *next;

	help_write_cert(dir, "r.example.crt", "r.example.key", (struct cert_wish){ "DNS:r.example",
		0, 10, NULL });
	ctx = load(NULL, HOSTS("a.example", "r.example"));
	help_write(dir, "r.example.crt", "-----BEGIN CERTIFICATE-----\nbroken\n");
	next = load(ctx, HOSTS("a.example", "r.example"));
	tls_unref(&ctx);
	ok(next != NULL && llabs(tls_expiry(next, "r.example") - time(NULL) - 10 * 86400) < 100,
		"a broken file keeps the old pair");
	unlink((snprintf(error, sizeof(error), "%s/r.example.crt", dir), error));
	ctx = load(next, HOSTS("a.example", "r.example"));
	tls_unref(&next);
	ok(ctx != NULL && tls_has(ctx, "r.example"), "so does a missing one, over two reloads");
	help_write_cert(dir, "r.example.crt", "r.example.key", (struct cert_wish){ "DNS:r.example",
		0, 20, NULL });
	next = load(ctx, HOSTS("a.example", "r.example"));
	tls_unref(&ctx);
	ok(next != NULL && llabs(tls_expiry(next, "r.example") - time(NULL) - 20 * 86400) < 100,
		"a good one replaces it");
	ctx = load(next, HOSTS("a.example"));
	tls_unref(&next);
	ok(ctx != NULL && !tls_has(ctx, "r.example"),
		"a host taken out of the configuration is gone");
	tls_unref(&ctx);
}

int
main(void)
{
	dir = help_dir();
	test_names();
	test_nul_in_name();
	test_layouts();
	test_broken();
	test_reload();
	help_remove_dir(dir);
	return done_testing();
}
