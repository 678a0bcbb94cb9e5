/* SPDX-License-Identifier: MIT */
/* tls_verify: does the certificate that the other side showed prove a domain? */
#include "config.h"

#include <stdio.h>
#include <openssl/x509.h>
#include "net/tls.h"
#include "net/tls_verify.h"
enum tls_proof
tls_verify_peer(const struct conn *c, const char *domain, const char *target,
	const struct dial_tlsa *tlsa, int n_tlsa, char *why, size_t why_size)
{
	(void)target;
	(void)tlsa;
	(void)n_tlsa;
	if (conn_peer_cert(c) == NULL)
		snprintf(why, why_size, "There is no certificate.");
	else if (conn_verify_result(c) != X509_V_OK)
		snprintf(why, why_size, "It is not trusted: %s.",
			X509_verify_cert_error_string(conn_verify_result(c)));
	else if (!tls_cert_matches(conn_peer_cert(c), domain))
		snprintf(why, why_size, "It is for other names.");
	else
		return TLS_PROOF_CERTIFICATE;
	return TLS_PROOF_NONE;
}
