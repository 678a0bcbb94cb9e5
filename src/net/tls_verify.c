/* SPDX-License-Identifier: MIT */
/* tls_verify: does the certificate that the other side showed prove a domain? */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include "net/tls_inside.h"
#include "net/tls_verify.h"

#define SRV_PREFIX "_xmpp-server."

/* Text of an otherName of this type, prefix taken off; NULL: it is none. */
static const char *
other_text(const GENERAL_NAME *name, const char *oid, int tag, const char *prefix)
{
	char type[80];
	const ASN1_STRING *value;
	const char *text;
	size_t n = strlen(prefix);

	if (name->type != GEN_OTHERNAME || name->d.otherName->value->type != tag ||
		OBJ_obj2txt(type, sizeof(type), name->d.otherName->type_id, 1) <= 0 ||
		strcmp(type, oid) != 0)
		return NULL;
	value = name->d.otherName->value->value.asn1_string;
	text = (const char *)ASN1_STRING_get0_data(value);
	/* A NUL inside would hide what follows it. */
	if (strlen(text) != (size_t)ASN1_STRING_length(value) || strncasecmp(text, prefix, n) != 0)
		return NULL;
	return text + n;
}

static bool
is_domain(const char *text, const char *ascii)
{
	char other[TLS_HOST_MAX];

	return text != NULL && tls_ascii(text, other) && strcmp(other, ascii) == 0;
}

bool
tls_names_domain(const void *x509, const char *domain)
{
	GENERAL_NAMES *names;
	char ascii[TLS_HOST_MAX];
	bool found = false;

	if (x509 == NULL || !tls_ascii(domain, ascii))
		return false;
	if (tls_cert_matches(x509, domain))
		return true;
	names = X509_get_ext_d2i((X509 *)x509, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		/* RFC 4985 and RFC 6120 §13.7.1.4 */
		found = is_domain(other_text(name, "1.3.6.1.5.5.7.8.7", V_ASN1_IA5STRING,
			SRV_PREFIX), ascii) ||
			is_domain(other_text(name, "1.3.6.1.5.5.7.8.5", V_ASN1_UTF8STRING, ""),
			ascii);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool
is_same(const struct dial_tlsa *r, const unsigned char *der, int n)
{
	const EVP_MD *md = r->matching == 1 ? EVP_sha256() : EVP_sha512();
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (r->matching == 0)
		return r->n == n && memcmp(r->data, der, r->n) == 0;
	return EVP_Digest(der, (size_t)n, hash, &size, md, NULL) == 1 && r->n == size &&
		memcmp(r->data, hash, size) == 0;
}

enum tls_dane
tls_dane(const void *x509, const struct dial_tlsa *records, int n)
{
	enum tls_dane said = TLS_DANE_NOTHING;

	for (int i = 0; i < n && said != TLS_DANE_GOOD; i++) {
		const struct dial_tlsa *r = &records[i];
		unsigned char *der = NULL;
		int size;

		if (r->usage != 3 || r->selector > 1 || r->matching > 2)
			continue;
		size = r->selector == 0 ? i2d_X509((X509 *)x509, &der) :
			i2d_X509_PUBKEY(X509_get_X509_PUBKEY((X509 *)x509), &der);
		said = size > 0 && is_same(r, der, size) ? TLS_DANE_GOOD : TLS_DANE_BAD;
		OPENSSL_free(der);
	}
	return said;
}

/* Those of usage 3 alone speak for the domain; beside others the authorities may still do. */
static bool
only_ends(const struct dial_tlsa *records, int n)
{
	for (int i = 0; i < n; i++)
		if (records[i].usage != 3)
			return false;
	return true;
}

enum tls_proof
tls_verify_peer(const struct conn *c, const char *domain, const char *target,
	const struct dial_tlsa *tlsa, int n_tlsa, char *why, size_t why_size)
{
	const void *cert = conn_peer_cert(c);
	enum tls_dane dane = cert == NULL ? TLS_DANE_NOTHING : tls_dane(cert, tlsa, n_tlsa);

	if (cert == NULL)
		snprintf(why, why_size, "There is no certificate.");
	else if (dane == TLS_DANE_GOOD)
		return TLS_PROOF_DANE;
	else if (dane == TLS_DANE_BAD && only_ends(tlsa, n_tlsa))
		snprintf(why, why_size, "It is not the one that the domain's TLSA records name.");
	else if (conn_verify_result(c) != X509_V_OK)
		snprintf(why, why_size, "It is not trusted: %s.",
			X509_verify_cert_error_string(conn_verify_result(c)));
	else if (!tls_names_domain(cert, domain) &&
		(target == NULL || !tls_cert_matches(cert, target)))
		snprintf(why, why_size, "It is for other names than %.200s.", domain);
	else
		return TLS_PROOF_CERTIFICATE;
	return TLS_PROOF_NONE;
}
