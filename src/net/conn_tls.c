/* SPDX-License-Identifier: MIT */
/* conn_tls: TLS on a connection: starting, the handshake, what a failed call wants, and what
 * there is to know afterwards. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stonechat/log.h>
#include "base/stats.h"
#include "net/conn_inside.h"
#include "net/tls_inside.h"

enum io
conn_tls_wants(struct conn *c, int ret)
{
	int why = SSL_get_error(c->ssl, ret);
	unsigned long error = ERR_peek_error();

	switch (why) {
	case SSL_ERROR_WANT_READ:
		return IO_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		return IO_MORE;
	case SSL_ERROR_ZERO_RETURN:
		conn_break(c, c->state == CONN_SHAKING ? CONN_TLS_FAILED : CONN_EOF, 0);
		break;
	case SSL_ERROR_SYSCALL:
		conn_break(c, errno == 0 ? CONN_EOF : CONN_RESET, (unsigned long)errno);
		break;
	default:
		conn_break(c, CONN_TLS_FAILED, error);
		break;
	}
	ERR_clear_error();
	return IO_ENDED;
}

static void
start(struct conn *c, SSL *ssl)
{
	sc_assert(c->ssl == NULL && c->state == CONN_PLAIN);
	if (ssl == NULL || SSL_set_fd(ssl, c->fd) != 1) {
		SSL_free(ssl);
		conn_break(c, CONN_TLS_FAILED, ERR_peek_error());
		ERR_clear_error();
		return;
	}
	c->ssl = ssl;
	c->state = CONN_SHAKING;
	if (c->out != NULL)
		c->out->plain = conn_waiting(c);
	conn_queue(c);
}

void
conn_start_tls_server_for(struct conn *c, struct tls_ctx *ctx, const char *host)
{
	if (conn_can_write(c) && c->state != CONN_BROKEN)
		start(c, tls_server(ctx, !c->had_plain, host));
}

void
conn_start_tls_server(struct conn *c, struct tls_ctx *ctx)
{
	conn_start_tls_server_for(c, ctx, NULL);
}

void
conn_start_tls_client_as(struct conn *c, struct tls_ctx *ctx, const char *local, const char *sni,
	const char *alpn)
{
	if (conn_can_write(c) && c->state != CONN_BROKEN)
		start(c, tls_client(ctx, local, sni, alpn));
}

void
conn_start_tls_client(struct conn *c, struct tls_ctx *ctx, const char *sni, const char *alpn)
{
	conn_start_tls_client_as(c, ctx, NULL, sni, alpn);
}

static void
shaken(struct conn *c)
{
	c->state = CONN_SECURE;
	c->readable = SSL_has_pending(c->ssl);
	STAT_INC(tls_handshakes);
	if (SSL_session_reused(c->ssl))
		STAT_INC(tls_resumed);
	conn_poll(c);
	if (c->ops->secured != NULL)
		c->ops->secured(c->owner);
}

void
conn_shake(struct conn *c)
{
	int ret;

	if (c->out != NULL && c->out->plain > 0)
		return;         /* <proceed/> first */
	c->readable = false;
	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(c->ssl);
	if (ret == 1) {
		shaken(c);
		return;
	}
	switch (conn_tls_wants(c, ret)) {
	case IO_AGAIN:
		conn_poll(c);
		break;
	case IO_MORE:
		conn_poll_write(c);
		break;
	default:
		/* Whatever the peer did: without a handshake there was no connection in order. */
		if (c->end == CONN_EOF)
			c->end = CONN_RESET;
		STAT_INC(tls_failures);
		break;
	}
}

bool
conn_has_pending(const struct conn *c)
{
	return c->ssl != NULL && SSL_has_pending(c->ssl);
}

void
conn_tls_goodbye(struct conn *c)
{
	bool over = c->state != CONN_SECURE && c->state != CONN_DRAINING &&
		!(c->state == CONN_BROKEN && c->end == CONN_EOF);

	if (c->ssl == NULL || over || !SSL_is_init_finished(c->ssl) ||
		(SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN))
		return;
	/* OpenSSL must not be asked to close while a record is half written: the goodbye would
	 * land inside it. */
	if (conn_waiting(c) > 0)
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error();
}

const char *
conn_error(const struct conn *c)
{
	static _Thread_local char text[160];
	const char *reason = NULL;

	switch (c->end) {
	case CONN_EOF:
		return "the peer closed the connection";
	case CONN_RESET:
		if (c->error != 0)
			reason = strerror((int)c->error);
		break;
	default:
		reason = ERR_reason_error_string(c->error);
		break;
	}
	snprintf(text, sizeof(text), "%s: %s", c->end == CONN_RESET ? "the connection broke"
		: "TLS failed", reason == NULL ? "the peer closed it" : reason);
	return text;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->ssl != NULL && SSL_is_init_finished(c->ssl);
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->ssl == NULL ? NULL : SSL_get_version(c->ssl);
}

const char *
conn_tls_cipher(const struct conn *c)
{
	return c->ssl == NULL ? NULL : SSL_get_cipher_name(c->ssl);
}

const char *
conn_sni(const struct conn *c)
{
	return c->ssl == NULL ? NULL : SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
}

const char *
conn_alpn(const struct conn *c)
{
	static _Thread_local char text[256];
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (c->ssl != NULL)
		SSL_get0_alpn_selected(c->ssl, &name, &len);
	if (len == 0 || len >= sizeof(text))
		return NULL;
	memcpy(text, name, len);
	text[len] = '\0';
	return text;
}

bool
conn_tls_resumed(const struct conn *c)
{
	return c->ssl != NULL && SSL_session_reused(c->ssl);
}

/* Binds to the handshake's whole transcript: true of TLS 1.3, and of 1.2 only with RFC 7627
 * (triple handshake). */
static bool
keys_are_unique(const struct conn *c)
{
	return conn_is_tls(c) &&
		(SSL_version(c->ssl) >= TLS1_3_VERSION || SSL_get_extms_support(c->ssl) == 1);
}

size_t
conn_cb_exporter(const struct conn *c, unsigned char out[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	static const unsigned char no_context[1];

	if (!keys_are_unique(c))
		return 0;
	if (SSL_export_keying_material(c->ssl, out, 32, label, sizeof(label) - 1,
		no_context, 0, 1) != 1)
		return 0;
	return 32;
}

size_t
conn_cb_server_end_point(const struct conn *c, unsigned char out[64])
{
	X509 *cert;
	int md = NID_undef;
	unsigned n = 0;

	if (!conn_is_tls(c))
		return 0;
	cert = SSL_is_server(c->ssl) ? SSL_get_certificate(c->ssl)
		: SSL_get0_peer_certificate(c->ssl);
	/* A signature without exactly one hash (Ed25519) has no binding of this type, says RFC
	 * 5929. */
	if (cert == NULL || X509_get_signature_info(cert, &md, NULL, NULL, NULL) != 1 ||
		md == NID_undef)
		return 0;
	if (md == NID_md5 || md == NID_sha1)
		md = NID_sha256;
	if (EVP_get_digestbynid(md) == NULL ||
		X509_digest(cert, EVP_get_digestbynid(md), out, &n) != 1)
		return 0;
	return n;
}

/* The first Finished of the handshake: the client's in a full one, the server's when a session
 * was resumed. */
size_t
conn_cb_unique(const struct conn *c, unsigned char out[64])
{
	if (!keys_are_unique(c) || SSL_version(c->ssl) >= TLS1_3_VERSION)
		return 0;
	if ((SSL_is_server(c->ssl) != 0) != (SSL_session_reused(c->ssl) != 0))
		return SSL_get_peer_finished(c->ssl, out, 64);
	return SSL_get_finished(c->ssl, out, 64);
}

void *
conn_peer_cert(const struct conn *c)
{
	return conn_is_tls(c) ? SSL_get0_peer_certificate(c->ssl) : NULL;
}

long
conn_verify_result(const struct conn *c)
{
	return conn_is_tls(c) ? SSL_get_verify_result(c->ssl) : X509_V_ERR_UNSPECIFIED;
}
