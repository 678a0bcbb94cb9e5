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

/* The parts of it. x509: X509 *. A dNSName, an SRVName _xmpp-server or an xmppAddr (RFC 6120
 * §13.7.1.2.1) is the domain. */
bool tls_names_domain(const void *x509, const char *domain);
enum tls_dane { TLS_DANE_NOTHING, TLS_DANE_GOOD, TLS_DANE_BAD };
/* Records of usage 3 (DANE-EE, RFC 7671 §5.1). NOTHING: there are none that we can use; BAD: none
 * of them is the certificate's. Other usages are left to the authorities. */
enum tls_dane tls_dane(const void *x509, const struct dial_tlsa *, int n);
#endif
