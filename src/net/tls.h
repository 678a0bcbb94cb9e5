/* SPDX-License-Identifier: MIT */
/*
 * tls: contexts and certificates by host (SNI). A struct tls_certs is an immutable snapshot of
 * the certificate folder; SIGHUP makes a new one, running connections keep theirs.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_ctx;

enum tls_use { TLS_C2S, TLS_S2S_IN, TLS_S2S_OUT };

/* Certificates are looked for under the host's name as configured and under its A-labels; for a
 * host without a file of its own also under "*.parent" and "_.parent", and among the
 * certificates of the other hosts. */
struct tls_conf {
	/* HOST.crt+HOST.key, HOST.pem, HOST/fullchain.pem+HOST/privkey.pem */
	const char *cert_dir;
	/* NULL-terminated; a wildcard certificate (*.example.org) serves its names */
	const char *const *hosts;
	const char *ciphers;            /* TLS 1.2 list, NULL: the sane default */
	const char *ca_file;            /* for s2s and EXTERNAL; NULL: the system's */
	bool ask_client_cert;           /* EXTERNAL; never required at this level */
};

/* Loads everything. NULL with a sentence: nothing usable (a broken pair among good ones is a
 * warning in the log and, on reload, keeps the pair that was there: pass the old context). */
struct tls_ctx *tls_load(const struct tls_conf *, enum tls_use, struct tls_ctx *old, char *error,
	size_t error_size);
struct tls_ctx *tls_ref(struct tls_ctx *);              /* any thread */
void tls_unref(struct tls_ctx **taken);
bool tls_has(const struct tls_ctx *, const char *host); /* there is a certificate for the host */
/* notAfter in s since 1970; 0: none */
int64_t tls_expiry(const struct tls_ctx *, const char *host);
/* RFC 9525: the SAN's dNSNames only, a wildcard only as the whole leftmost label. x509: X509 *. */
bool tls_cert_matches(const void *x509, const char *host);
/* Every certificate, for status and `check`. */
void tls_each(const struct tls_ctx *, void (*see)(void *arg, const char *host, const char *file,
	int64_t not_after, bool names_match), void *arg);

#endif
