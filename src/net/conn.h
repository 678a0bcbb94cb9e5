/* SPDX-License-Identifier: MIT */
/*
 * conn: a TCP connection, in plain or with TLS, on raw libevent events, so that it can move
 * between shards (design §4). Reads go through a buffer of the shard, so an idle connection
 * holds none. What the kernel does not take of a write waits here.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "net/mailbox.h"

struct conn;
struct tls_ctx;

enum conn_end {
	/* the peer closed its side in order; until conn_close() it can still be written to */
	CONN_EOF,
	CONN_RESET,             /* error on the socket */
	CONN_TLS_FAILED,        /* handshake or record error; conn_error() says which */
};

/* Callbacks run on the connection's shard. In every one of them the owner may call conn_close(). */
struct conn_ops {
	/* n bytes of (decrypted) input, lent. At most 16 KiB a turn. Not called while paused. */
	void (*input)(void *owner, const char *bytes, size_t n);
	/* Everything written so far is with the kernel. Only called after conn_write() left
	 * something waiting. May be NULL. */
	void (*drained)(void *owner);
	/* The TLS handshake is done. May be NULL. */
	void (*secured)(void *owner);
	/* The connection is dead; the owner must call conn_close(). Called at most once. */
	void (*ended)(void *owner, enum conn_end);
};

/* Takes a connected or accepted non-blocking descriptor onto this shard. */
struct conn *conn_new(int fd, const struct sockaddr *peer, socklen_t peer_len,
	const struct conn_ops *, void *owner);
void conn_owner(struct conn *, const struct conn_ops *, void *owner);
/* Flushes what can be written at once without waiting (and TLS close_notify), then closes. Nulls
 * the pointer. Also for a connection that is on the way between shards. */
void conn_close(struct conn **taken);
/* Closes after what is waiting has been written and the peer has closed too, or after ms;
 * meanwhile its input is thrown away (a reset could destroy our last words). The owner is not
 * called any more. Nulls the pointer. For stream errors and </stream>. */
void conn_close_later(struct conn **taken, int ms);
/* Sends; what the kernel does not take is copied and waits. Bound streams write one batch and
 * wait for drained(). */
void conn_write(struct conn *, const void *, size_t);
size_t conn_waiting(const struct conn *);               /* bytes not yet with the kernel */
/* clock_mono since when nothing could be written; 0: not stuck */
int64_t conn_stuck_since(const struct conn *);
void conn_pause(struct conn *);                         /* stop reading (kernel back pressure) */
void conn_resume(struct conn *);
bool conn_paused(const struct conn *);
void conn_priority(struct conn *, int loop_priority);   /* LOOP_PRIORITY_BOUND after bind */

/* TLS as server. Bytes that were read in plain before are the caller's to drop (reliability S1). */
void conn_start_tls_server(struct conn *, struct tls_ctx *);
/* The same; when the client names no host (no SNI) this one's certificate serves: the `to` of a
 * stream before STARTTLS. */
void conn_start_tls_server_for(struct conn *, struct tls_ctx *, const char *host);
/* TLS as client (s2s): name for SNI; alpn may be NULL. */
void conn_start_tls_client(struct conn *, struct tls_ctx *, const char *sni, const char *alpn);
/* The same; presents the certificate of our host `local` when asked (SASL EXTERNAL). */
void conn_start_tls_client_as(struct conn *, struct tls_ctx *, const char *local, const char *sni,
	const char *alpn);
bool conn_is_tls(const struct conn *);                  /* the handshake is done */
const char *conn_tls_version(const struct conn *);      /* "TLSv1.3" */
const char *conn_tls_cipher(const struct conn *);
const char *conn_sni(const struct conn *);              /* server side; NULL: none sent */
/* NULL: none agreed. Lent until the thread's next call */
const char *conn_alpn(const struct conn *);
bool conn_tls_resumed(const struct conn *);
/* Channel bindings. Return the length written, 0: not available. */
/* RFC 9266; TLS 1.3, or 1.2 with extended master secret */
size_t conn_cb_exporter(const struct conn *, unsigned char out[32]);
size_t conn_cb_server_end_point(const struct conn *, unsigned char out[64]);    /* RFC 5929 §4 */
/* RFC 5929 §3; never on TLS 1.3 */
size_t conn_cb_unique(const struct conn *, unsigned char out[64]);
void *conn_peer_cert(const struct conn *);              /* X509 *, lent; NULL: none */
long conn_verify_result(const struct conn *);           /* X509_V_… */

/* "192.0.2.1:5678" or "[2001:db8::1]:5678"; lent likewise */
const char *conn_peer_text(const struct conn *);
/* Key for per-address limits: the IPv4 address or the IPv6 /64, 16 bytes. */
void conn_peer_key(const struct conn *, unsigned char out[16]);
/* a sentence about why it ended; lent likewise */
const char *conn_error(const struct conn *);
size_t conn_weight(const struct conn *);

/* Moves to another shard: takes it off this loop (both events deleted), travels inside a letter
 * of the caller; conn_attach on the new shard puts it on that loop, reads SSL_pending first, and
 * sets the owner. */
void conn_detach(struct conn *);
void conn_attach(struct conn *, const struct conn_ops *, void *owner);

/* Called by the loop. The 2 ms budget of unbound streams and their handshakes is kept by the
 * loop's priorities. */
void conn_turn_start(void);

#endif
