/* SPDX-License-Identifier: MIT */
/* tls_names: the names in a certificate and how they match a host (RFC 9525). No common names,
 * no IP addresses. */
#include "config.h"

#include <string.h>
#include <idn2.h>
#include <openssl/x509v3.h>
#include "net/tls_inside.h"

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool
lower_copy(const char *text, char out[TLS_HOST_MAX])
{
	size_t n = strlen(text);

	/* A dot at the end only says that the name is absolute. */
	if (n > 0 && text[n - 1] == '.')
		n--;
	if (n == 0 || n >= TLS_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	out[n] = '\0';
	return true;
}

bool
tls_ascii(const char *host, char out[TLS_HOST_MAX])
{
	char *ascii = NULL;
	bool good;

	if (is_ascii(host))
		return lower_copy(host, out);
	if (idn2_to_ascii_8z(host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	good = lower_copy(ascii, out);
	idn2_free(ascii);
	return good;
}

bool
tls_each_name(X509 *cert, bool (*see)(void *arg, const char *name), void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool good = true, more = true;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && good; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		good = memchr(ASN1_STRING_get0_data(name->d.dNSName), '\0',
			(size_t)ASN1_STRING_length(name->d.dNSName)) == NULL;
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && good && more; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char lower[TLS_HOST_MAX];

		/* ASN1_STRINGs that OpenSSL decoded end with a NUL. */
		if (name->type == GEN_DNS &&
		    lower_copy((const char *)ASN1_STRING_get0_data(name->d.dNSName), lower))
			more = see(arg, lower);
	}
	GENERAL_NAMES_free(names);
	return good;
}

/* "*.example.org" is good for one label more; "*.org" for nothing, no honest authority signs
 * that. */
static bool
name_matches(const char *name, const char *host)
{
	const char *rest;

	if (strncmp(name, "*.", 2) != 0)
		return strcmp(name, host) == 0;
	rest = strchr(host, '.');
	return rest != NULL && rest != host && strchr(name + 2, '.') != NULL &&
		strcmp(rest + 1, name + 2) == 0;
}

struct wanted {
	const char *host;
	bool found;
};

static bool
see_wanted(void *arg, const char *name)
{
	struct wanted *wanted = arg;

	wanted->found = name_matches(name, wanted->host);
	return !wanted->found;
}

bool
tls_cert_matches(const void *x509, const char *host)
{
	char ascii[TLS_HOST_MAX];
	struct wanted wanted = { ascii, false };

	if (x509 == NULL || !tls_ascii(host, ascii))
		return false;
	/* OpenSSL's readers of a certificate do not change it, but most are not declared so. */
	return tls_each_name((X509 *)x509, see_wanted, &wanted) && wanted.found;
}
