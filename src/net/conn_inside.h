/* SPDX-License-Identifier: MIT */
/* conn_inside: a connection as conn*.c see it. */
#ifndef NET_CONN_INSIDE_H
#define NET_CONN_INSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include "base/buf.h"
#include "net/conn.h"
#include "net/loop.h"

enum conn_state {
	CONN_PLAIN,
	/* TLS was started and its handshake is not done; plain output may still wait before it */
	CONN_SHAKING,
	CONN_SECURE,
	/* we said goodbye; what still comes is thrown away until the peer closes too */
	CONN_DRAINING,
	/* nothing is read or written any more; ended() was called or will be */
	CONN_BROKEN,
	CONN_GONE,              /* closed; the memory lives until the turn ends */
};

/* Exists only while something waits, so that an idle connection has neither a buffer nor a
 * second event. */
struct conn_out {
	struct event event;     /* EV_WRITE */
	struct buf buf;
	size_t from;            /* the first bytes of buf are with the kernel already */
	size_t plain;           /* so many of the others leave before TLS begins */
	int64_t stuck_since;
	bool polled;
};

/* A million of these is the design point. */
struct conn {
	/* queued when there is something to do; or parked while the shard is choked */
	struct loop_task task;
	const struct conn_ops *ops;
	void *owner;
	SSL *ssl;
	struct conn_out *out;
	struct event read;
	unsigned long error;            /* errno or an OpenSSL error code, by `end` */
	unsigned char address[16];      /* IPv4 as ::ffff:a.b.c.d */
	int fd;
	uint16_t port;
	int16_t shard;                  /* -1: on the way between shards */
	uint8_t state;                  /* enum conn_state */
	uint8_t priority;
	uint8_t end;                    /* enum conn_end, when broken */
	bool polled : 1;                /* the read event is added */
	bool paused : 1;
	bool parked : 1;                /* readable, but the shard is choked */
	/* something can be read: by the kernel's word, or OpenSSL holds it */
	bool readable : 1;
	bool writable : 1;
	bool had_plain : 1;             /* bytes came before TLS: STARTTLS */
	bool write_wants_read : 1;      /* what OpenSSL needs, the other way round */
	bool read_wants_write : 1;
	bool told : 1;                  /* ended() was called */
	bool peer_done : 1;             /* draining: it has closed its side */
	/* writing failed; what the peer had sent before is still read, and then the end */
	bool mute : 1;
};

enum io {
	IO_AGAIN,                       /* the kernel will tell when there is more */
	IO_MORE,                        /* there is more already, for the next turn */
	IO_ENDED,                       /* broken; c->end says how */
};

/* conn.c */
void conn_queue(struct conn *);                 /* run it at its priority */
void conn_poll(struct conn *);                  /* ask the kernel for input again */
void conn_poll_write(struct conn *);            /* tell when it can be written */
/* ended() will be called, not from here */
void conn_break(struct conn *, enum conn_end, unsigned long error);
void conn_unpoll(struct conn *);
/* Writing failed: breaks it, unless there may still be something to read. */
void conn_cannot_write(struct conn *, enum conn_end, unsigned long error);
/* The owner closed it or sent it away in a callback; only the state may be looked at. */
bool conn_left(const struct conn *);
/* also after the peer has closed its side in order */
bool conn_can_write(const struct conn *);

/* conn_io.c */
enum io conn_read_some(struct conn *, char *into, size_t room, size_t *n);
/* Sends what waits. True when nothing waits any more. */
bool conn_flush(struct conn *);
struct conn_out *conn_need_out(struct conn *);
void conn_drop_out(struct conn *);
/* Reads and forgets. False: the peer has closed, or worse. */
bool conn_discard_input(struct conn *);
void conn_charge_out(struct conn *, int sign);  /* to this shard's budget */

/* conn_close.c */
void conn_throw_input_away(struct conn *);

/* conn_tls.c */
void conn_shake(struct conn *);                 /* goes on with the handshake */
bool conn_has_pending(const struct conn *);     /* OpenSSL holds input */
/* What an SSL_* call that returned ret <= 0 wants; IO_MORE: it wants to write. Breaks the
 * connection when it failed. */
enum io conn_tls_wants(struct conn *, int ret);
void conn_tls_goodbye(struct conn *);           /* close_notify, once, if it makes sense */

#endif
