/* SPDX-License-Identifier: MIT */
/* tls_files: reads one certificate with its chain and key from PEM files, and checks that they
 * belong together. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "net/tls_inside.h"

/* Without it OpenSSL would ask on the terminal. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static bool
complain(char *why, size_t size, const char *file, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (reason == NULL)
		snprintf(why, size, "%s: %s", file, what);
	else
		snprintf(why, size, "%s: %s: %s", file, what, reason);
	ERR_clear_error();
	return false;
}

static FILE *
open_file(const char *file, char *why, size_t size)
{
	FILE *f = fopen(file, "re");

	if (f == NULL)
		snprintf(why, size, "%s: %s", file, strerror(errno));
	return f;
}

/* The host's own certificate comes first, then what leads to an authority. Keys between them are
 * passed over. */
static bool
read_certs(struct tls_pair *pair, const char *file, char *why, size_t size)
{
	FILE *f = open_file(file, why, size);
	X509 *cert;

	if (f == NULL)
		return false;
	pair->chain = sk_X509_new_null();
	pair->leaf = PEM_read_X509_AUX(f, NULL, no_password, NULL);
	while (pair->leaf != NULL && pair->chain != NULL &&
		(cert = PEM_read_X509(f, NULL, no_password, NULL)) != NULL)
		if (sk_X509_push(pair->chain, cert) == 0)
			X509_free(cert);
	fclose(f);
	if (pair->leaf == NULL || pair->chain == NULL)
		return complain(why, size, file, "no certificate in it");
	/* The end of the file is reported as an error too; anything else is a broken certificate
	 * in the chain. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return complain(why, size, file, "a certificate of the chain cannot be read");
	ERR_clear_error();
	return true;
}

static bool
read_key(struct tls_pair *pair, const char *file, char *why, size_t size)
{
	FILE *f = open_file(file, why, size);

	if (f == NULL)
		return false;
	pair->key = PEM_read_PrivateKey(f, NULL, no_password, NULL);
	fclose(f);
	if (pair->key == NULL)
		return complain(why, size, file, "no usable private key in it");
	if (X509_check_private_key(pair->leaf, pair->key) != 1)
		return complain(why, size, file, "the key does not belong to the certificate");
	ERR_clear_error();
	return true;
}

static int64_t
seconds_of(const ASN1_TIME *when)
{
	struct tm tm;

	return ASN1_TIME_to_tm(when, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

bool
tls_pair_read(struct tls_pair *pair, const char *cert_file, const char *key_file, char *why,
	size_t why_size)
{
	ERR_clear_error();
	if (!read_certs(pair, cert_file, why, why_size) ||
		!read_key(pair, key_file, why, why_size)) {
		tls_pair_free(pair);
		return false;
	}
	pair->not_after = seconds_of(X509_get0_notAfter(pair->leaf));
	return true;
}

void
tls_pair_free(struct tls_pair *pair)
{
	free(pair->host);
	free(pair->ascii);
	free(pair->file);
	X509_free(pair->leaf);
	EVP_PKEY_free(pair->key);
	sk_X509_pop_free(pair->chain, X509_free);
	*pair = (struct tls_pair){ 0 };
}
