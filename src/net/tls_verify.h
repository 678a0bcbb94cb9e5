/* SPDX-License-Identifier: MIT */
/* tls_verify: does the certificate that the other side showed prove that it speaks for a domain? */
#ifndef NET_TLS_VERIFY_H
#define NET_TLS_VERIFY_H
#include "net/conn.h"
#include "net/dial.h"

enum tls_proof { TLS_PROOF_NONE, TLS_PROOF_CERTIFICATE, TLS_PROOF_DANE };

/* Chain, dates and names (RFC 9525). domain: prepared. target: where the DNS sent us by a way that
 * is authentic; NULL: nowhere. tlsa may be NULL. NONE: why says it in a sentence. */
enum tls_proof tls_verify_peer(const struct conn *, const char *domain, const char *target,
	const struct dial_tlsa *tlsa, int n_tlsa, char *why, size_t why_size);
#endif
