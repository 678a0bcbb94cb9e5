/* SPDX-License-Identifier: MIT */
/* tls_verify: the names that a server's certificate may have, and TLSA records. */
#include "config.h"

#include "net/tls_verify.h"
#include "test_net_help.h"

#define SRV "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:"
#define ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"

static const struct {
	const char *names, *domain;
	bool good;
} cases[] = {
	{ "DNS:a.example", "a.example", true },
	{ "DNS:a.example", "b.example", false },
	{ "DNS:*.a.example", "x.a.example", true },
	{ "DNS:*.a.example", "x.y.a.example", false },
	{ SRV "_xmpp-server.a.example", "a.example", true },
	{ SRV "_XMPP-server.A.example", "a.example", true },
	{ SRV "_xmpp-client.a.example", "a.example", false },
	{ SRV "a.example", "a.example", false },
	{ SRV "_xmpp-server.b.a.example", "a.example", false },
	{ ADDR "a.example", "a.example", true },
	{ ADDR "romeo@a.example", "a.example", false },
	{ ADDR "xn--bcher-kva.example", "b\u00fccher.example", true },
	{ "otherName:1.3.6.1.5.5.7.8.9;UTF8:a.example", "a.example", false },
	{ "otherName:1.3.6.1.5.5.7.8.5;IA5STRING:a.example", "a.example", false },
	{ "email:a.example", "a.example", false },
	{ NULL, "test", false },
};

static void
test_names(EVP_PKEY *key)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct cert_wish wish = { .names = cases[i].names };
		X509 *cert = help_cert(&wish, key);

		is_int(tls_names_domain(cert, cases[i].domain), cases[i].good, "%s: %s",
			cases[i].names == NULL ? "no names" : cases[i].names, cases[i].domain);
		X509_free(cert);
	}
	ok(!tls_names_domain(NULL, "a.example"), "no certificate names nobody");
}

static void
test_dane(EVP_PKEY *key)
{
	struct cert_wish wish = { .names = "DNS:a.example" };
	X509 *cert = help_cert(&wish, key);
	unsigned char *der = NULL, hash[64], other[32] = { 1 };
	unsigned n = 0;
	int size = i2d_PUBKEY(key, &der);
	struct dial_tlsa r[2] = { { 3, 1, 1, 32, other }, { 3, 1, 1, 32, hash } };

	EVP_Digest(der, (size_t)size, hash, &n, EVP_sha256(), NULL);
	is_int(tls_dane(cert, r, 2), TLS_DANE_GOOD, "one of two is the key's");
	is_int(tls_dane(cert, r, 1), TLS_DANE_BAD, "another key's");
	is_int(tls_dane(cert, r, 0), TLS_DANE_NOTHING, "no records");
	r[1] = (struct dial_tlsa){ 3, 1, 0, (uint16_t)size, der };
	is_int(tls_dane(cert, r + 1, 1), TLS_DANE_GOOD, "the whole key");
	r[1].n--;
	is_int(tls_dane(cert, r + 1, 1), TLS_DANE_BAD, "a part of it");
	r[1] = (struct dial_tlsa){ 3, 0, 1, 32, hash };
	is_int(tls_dane(cert, r + 1, 1), TLS_DANE_BAD, "the key's hash is not the certificate's");
	X509_digest(cert, EVP_sha512(), hash, &n);
	r[1] = (struct dial_tlsa){ 3, 0, 2, 64, hash };
	is_int(tls_dane(cert, r + 1, 1), TLS_DANE_GOOD, "the certificate by SHA-512");
	r[1].usage = 2;
	is_int(tls_dane(cert, r + 1, 1), TLS_DANE_NOTHING, "an authority's is not looked at");
	r[1].usage = 3;
	r[1].matching = 3;
	is_int(tls_dane(cert, r + 1, 1), TLS_DANE_NOTHING, "nor one of a kind unknown");
	OPENSSL_free(der);
	X509_free(cert);
}

int
main(void)
{
	EVP_PKEY *key = help_key(EVP_PKEY_EC);

	test_names(key);
	test_dane(key);
	EVP_PKEY_free(key);
	return done_testing();
}
