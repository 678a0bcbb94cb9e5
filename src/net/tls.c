/* SPDX-License-Identifier: MIT */
/*
 * tls: contexts. One SSL_CTX serves all hosts; the certificate is put into each SSL when the
 * client has named its host, which costs two reference counts, where an SSL_CTX per host would
 * cost 20 KiB each. The tls_ctx lives as long as its SSL_CTX, and that as long as the last SSL
 * made from it, so a reload needs no care for running connections.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "net/tls_inside.h"

/* Forward secrecy and AEAD only; ECDSA first, its signatures cost a tenth of RSA's. */
#define CIPHERS_1_2 \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:" \
	"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256"
/* and the use: a client's session must not open a server's stream */
#define SESSION_ID "stonechat "

static const unsigned char protocol_c2s[] = "\013xmpp-client";
static const unsigned char protocol_s2s[] = "\013xmpp-server";

/* its address in an SSL's app data: TLS from the first byte */
static char direct_mark;

static void
free_with_ctx(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	struct tls_ctx *ctx = ptr;

	(void)parent, (void)data, (void)index, (void)argl, (void)argp;
	if (ctx == NULL)
		return;
	tls_pairs_free(&ctx->certs);
	free(ctx);
}

static int ex_index;

static void
make_ex_index(void)
{
	ex_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_with_ctx);
}

static bool
use_pair(SSL *ssl, const struct tls_pair *pair)
{
	return SSL_use_cert_and_key(ssl, pair->leaf, pair->key, pair->chain, 1) == 1;
}

/* Called in every handshake, also without SNI. Nobody is refused for an unknown name: the stream
 * header decides about hosts. */
static int
pick_certificate(SSL *ssl, int *alert, void *arg)
{
	struct tls_ctx *ctx = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_pair *pair = name == NULL ? NULL : tls_pairs_find(&ctx->certs, name);

	(void)alert;
	if (pair == NULL || pair->leaf == SSL_get_certificate(ssl))
		return pair == NULL ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
	return use_pair(ssl, pair) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
pick_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned in_len, void *arg)
{
	struct tls_ctx *ctx = arg;
	const unsigned char *ours = ctx->use == TLS_C2S ? protocol_c2s : protocol_s2s;

	for (unsigned i = 0; i < in_len; i += 1U + in[i]) {
		if (in[i] != ours[0] || i + in[i] >= in_len ||
			memcmp(in + i + 1, ours + 1, ours[0]) != 0)
			continue;
		*out = in + i + 1;
		*out_len = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	/* ALPACA: a client that means another protocol must not talk to us. After STARTTLS it
	 * cannot mean one. */
	return SSL_get_app_data(ssl) == &direct_mark
		? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

/* Verified, and the result recorded (SSL_get_verify_result); what follows from it is decided by
 * SASL and dialback. */
static int
accept_any(int good, X509_STORE_CTX *store)
{
	(void)good, (void)store;
	return 1;
}

static bool
set_limits(SSL_CTX *ctx, const struct tls_conf *conf)
{
	const char *ciphers = conf->ciphers == NULL ? CIPHERS_1_2 : conf->ciphers;

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);         /* one read(2) a record instead of two */
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
		SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
		SSL_CTX_set_ciphersuites(ctx, CIPHERS_1_3) == 1 &&
		SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

static bool
set_sessions(SSL_CTX *ctx, enum tls_use use)
{
	unsigned char id[sizeof(SESSION_ID)] = SESSION_ID;

	id[sizeof(id) - 1] = (unsigned char)('0' + use);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* A resumed session brings the verdict on the other server's certificate along, also when
	 * that has expired since. */
	if (use == TLS_S2S_IN) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
	} else {
		tls_ticket_use(ctx);
	}
	return SSL_CTX_set_session_id_context(ctx, id, sizeof(id)) == 1;
}

static bool
set_verification(SSL_CTX *ctx, const struct tls_conf *conf, enum tls_use use)
{
	if (use != TLS_S2S_OUT && !conf->ask_client_cert)
		return true;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
	/* A server shows its ordinary certificate also when it is the client; authorities stop
	 * writing "client" into those. */
	if (use == TLS_S2S_IN) {
		SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
		SSL_CTX_set_trust(ctx, X509_TRUST_SSL_SERVER);
	}
	if (conf->ca_file != NULL)
		return SSL_CTX_load_verify_file(ctx, conf->ca_file) == 1;
	return SSL_CTX_set_default_verify_paths(ctx) == 1;
}

static bool
set_server(struct tls_ctx *ctx)
{
	const struct tls_pair *first = &ctx->certs.pairs[0];

	SSL_CTX_set_tlsext_servername_callback(ctx->ssl_ctx, pick_certificate);
	SSL_CTX_set_tlsext_servername_arg(ctx->ssl_ctx, ctx);
	SSL_CTX_set_alpn_select_cb(ctx->ssl_ctx, pick_protocol, ctx);
	return SSL_CTX_use_cert_and_key(ctx->ssl_ctx, first->leaf, first->key,
		first->chain, 1) == 1;
}

static struct tls_ctx *
make(enum tls_use use)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const SSL_METHOD *side = use == TLS_S2S_OUT ? TLS_client_method() : TLS_server_method();
	SSL_CTX *ssl_ctx = SSL_CTX_new(side);
	struct tls_ctx *ctx = mem_new(sizeof(*ctx));

	pthread_once(&once, make_ex_index);
	sc_assert(ssl_ctx != NULL && SSL_CTX_set_ex_data(ssl_ctx, ex_index, ctx) == 1);
	ctx->ssl_ctx = ssl_ctx;
	ctx->use = use;
	return ctx;
}

static struct tls_ctx *
give_up(struct tls_ctx *ctx, char *error, size_t size, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (reason == NULL)
		snprintf(error, size, "%s", what);
	else
		snprintf(error, size, "%s: %s", what, reason);
	ERR_clear_error();
	tls_unref(&ctx);
	return NULL;
}

struct tls_ctx *
tls_load(const struct tls_conf *conf, enum tls_use use, struct tls_ctx *old, char *error,
	size_t error_size)
{
	struct tls_ctx *ctx = make(use);
	char why[512];

	(void)tls_mem_blocks();         /* makes the linker take that file out of the archive */
	ERR_clear_error();
	tls_pairs_load(&ctx->certs, conf, old == NULL ? NULL : &old->certs, why, sizeof(why));
	if (ctx->certs.n == 0 && use != TLS_S2S_OUT) {
		snprintf(error, error_size, "no usable certificate: %s", why);
		tls_unref(&ctx);
		return NULL;
	}
	if (!set_limits(ctx->ssl_ctx, conf))
		return give_up(ctx, error, error_size, "the TLS ciphers cannot be used");
	if (!set_sessions(ctx->ssl_ctx, use) || !set_verification(ctx->ssl_ctx, conf, use))
		return give_up(ctx, error, error_size,
			"the certificate authorities cannot be loaded");
	if (use != TLS_S2S_OUT && !set_server(ctx))
		return give_up(ctx, error, error_size,
			"the certificate of the first host cannot be used");
	ERR_clear_error();
	return ctx;
}

struct tls_ctx *
tls_ref(struct tls_ctx *ctx)
{
	SSL_CTX_up_ref(ctx->ssl_ctx);
	return ctx;
}

void
tls_unref(struct tls_ctx **taken)
{
	struct tls_ctx *ctx = *taken;

	*taken = NULL;
	if (ctx != NULL)
		SSL_CTX_free(ctx->ssl_ctx);
}

SSL *
tls_server(struct tls_ctx *ctx, bool direct, const char *host)
{
	SSL *ssl = SSL_new(ctx->ssl_ctx);
	const struct tls_pair *pair = host == NULL ? NULL : tls_pairs_find(&ctx->certs, host);

	if (ssl == NULL)
		return NULL;
	SSL_set_accept_state(ssl);
	if (direct)
		SSL_set_app_data(ssl, &direct_mark);
	if (pair != NULL && pair != &ctx->certs.pairs[0])
		use_pair(ssl, pair);
	return ssl;
}

SSL *
tls_client(struct tls_ctx *ctx, const char *local, const char *sni, const char *alpn)
{
	SSL *ssl = SSL_new(ctx->ssl_ctx);
	const struct tls_pair *pair = local == NULL ? NULL : tls_pairs_find(&ctx->certs, local);
	unsigned char protocol[256];
	char ascii[TLS_HOST_MAX];
	size_t n = alpn == NULL ? 0 : strlen(alpn);

	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	if (sni != NULL && tls_ascii(sni, ascii))
		SSL_set_tlsext_host_name(ssl, ascii);
	if (n > 0 && n < sizeof(protocol)) {
		protocol[0] = (unsigned char)n;
		memcpy(protocol + 1, alpn, n);
		SSL_set_alpn_protos(ssl, protocol, (unsigned)n + 1);
	}
	if (pair != NULL)
		use_pair(ssl, pair);
	return ssl;
}

bool
tls_has(const struct tls_ctx *ctx, const char *host)
{
	return tls_pairs_find(&ctx->certs, host) != NULL;
}

int64_t
tls_expiry(const struct tls_ctx *ctx, const char *host)
{
	const struct tls_pair *pair = tls_pairs_find(&ctx->certs, host);

	return pair == NULL ? 0 : pair->not_after;
}

void
tls_each(const struct tls_ctx *ctx, void (*see)(void *arg, const char *host, const char *file,
	int64_t not_after, bool names_match),
	void *arg)
{
	for (int i = 0; i < ctx->certs.n; i++) {
		const struct tls_pair *pair = &ctx->certs.pairs[i];

		see(arg, pair->host, pair->file, pair->not_after, pair->names_match);
	}
}
