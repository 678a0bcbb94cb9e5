/* SPDX-License-Identifier: MIT */
/* tls_inside: what tls*.c and conn_tls.c tell each other. */
#ifndef NET_TLS_INSIDE_H
#define NET_TLS_INSIDE_H

#include <openssl/ssl.h>
#include "net/tls.h"

#define TLS_HOST_MAX 256

/* A certificate with its key, loaded for one host. */
struct tls_pair {
	char *host;             /* as configured */
	char *ascii;            /* the same with A-labels, in lower case */
	char *file;
	X509 *leaf;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;
	int64_t not_after;
	bool names_match;       /* the certificate names the host */
};

/* Which pair serves a name: a host, or what a certificate says it is good for ("*.example.org"
 * too). */
struct tls_name {
	char *name;
	const struct tls_pair *pair;
	int rank;               /* of several with one name the lowest counts */
};

struct tls_pairs {
	struct tls_pair *pairs; /* in the order of the configuration */
	int n;
	struct tls_name *names; /* sorted */
	int names_n;
};

struct tls_ctx {
	SSL_CTX *ssl_ctx;       /* owns us: every SSL made from it keeps its certificates alive */
	enum tls_use use;
	struct tls_pairs certs;
};

/* tls_certs.c. Nothing loaded is no failure here: n is 0 and `why` holds a sentence. */
void tls_pairs_load(struct tls_pairs *, const struct tls_conf *, const struct tls_pairs *old,
	char *why, size_t why_size);
void tls_pairs_free(struct tls_pairs *);
/* The pair for a name a peer asked for or a host: exact, else wildcard; NULL. Any spelling. */
const struct tls_pair *tls_pairs_find(const struct tls_pairs *, const char *name);

/* tls_files.c. Reads one pair; false with a sentence. */
bool tls_pair_read(struct tls_pair *, const char *cert_file, const char *key_file, char *why,
	size_t why_size);
void tls_pair_free(struct tls_pair *);

/* tls_names.c */
/* A-labels, lower case; false: not a host name */
bool tls_ascii(const char *host, char out[TLS_HOST_MAX]);
/* Calls see() with each dNSName. False: the certificate has a name with a NUL in it and must not
 * be trusted for any. */
bool tls_each_name(X509 *, bool (*see)(void *arg, const char *name), void *arg);

/* tls_ticket.c */
void tls_ticket_use(SSL_CTX *);

/* tls_mem.c */
/* Blocks in use or kept by a thread for the next record. */
int tls_mem_blocks(void);

/* tls.c. direct: TLS from the first byte, where ALPN counts. host: serve this one when the
 * client names none; may be NULL. */
SSL *tls_server(struct tls_ctx *, bool direct, const char *host);
/* local: present this host's certificate when asked; may be NULL. */
SSL *tls_client(struct tls_ctx *, const char *local, const char *sni, const char *alpn);

#endif
