/* SPDX-License-Identifier: MIT */
/* conn_io: bytes in and out of a connection, in plain or through OpenSSL, and what the kernel
 * did not take. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <openssl/err.h>
#include "base/budget.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/stats.h"
#include "net/conn_inside.h"

/* Reading */

static enum io
read_plain(struct conn *c, char *into, size_t room, size_t *n)
{
	ssize_t got;

	do
		got = recv(c->fd, into, room, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		*n = (size_t)got;
		return IO_AGAIN;
	}
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return IO_AGAIN;
	conn_break(c, got == 0 ? CONN_EOF : CONN_RESET, got == 0 ? 0 : (unsigned long)errno);
	return IO_ENDED;
}

/* Several small records become one input(). Asking OpenSSL once more when it holds nothing would
 * cost a read(2) in vain. */
static enum io
read_tls(struct conn *c, char *into, size_t room, size_t *n)
{
	c->read_wants_write = false;
	ERR_clear_error();
	while (*n < room) {
		int got = SSL_read(c->ssl, into + *n, (int)(room - *n));

		if (got <= 0) {
			enum io io = conn_tls_wants(c, got);

			if (io != IO_MORE)
				return io;
			c->read_wants_write = true;
			conn_poll_write(c);
			return IO_AGAIN;
		}
		*n += (size_t)got;
		if (!SSL_has_pending(c->ssl))
			return IO_AGAIN;
	}
	return SSL_has_pending(c->ssl) ? IO_MORE : IO_AGAIN;
}

enum io
conn_read_some(struct conn *c, char *into, size_t room, size_t *n)
{
	return c->state == CONN_SECURE ? read_tls(c, into, room, n) : read_plain(c, into, room, n);
}

bool
conn_discard_input(struct conn *c)
{
	char scrap[16384];
	ssize_t got;
	int rounds = 64;        /* a flood must not keep the loop */

	do
		got = recv(c->fd, scrap, sizeof(scrap), MSG_TRUNC | MSG_DONTWAIT);
	while (got == (ssize_t)sizeof(scrap) && --rounds > 0);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Writing */

struct conn_out *
conn_need_out(struct conn *c)
{
	if (c->out == NULL)
		c->out = mem_new(sizeof(*c->out));
	return c->out;
}

void
conn_charge_out(struct conn *c, int sign)
{
	if (c->out != NULL)
		budget_charge(BUDGET_OUTQ, sign * (int64_t)c->out->buf.room);
}

void
conn_drop_out(struct conn *c)
{
	if (c->out == NULL)
		return;
	if (c->out->polled)
		event_del(&c->out->event);
	if (c->shard >= 0)
		conn_charge_out(c, -1);
	buf_free(&c->out->buf);
	free(c->out);
	c->out = NULL;
}

/* One write. *n is what was taken. */
static enum io
write_plain(struct conn *c, const char *bytes, size_t len, size_t *n)
{
	ssize_t put;

	do
		put = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (put < 0 && errno == EINTR);
	*n = put > 0 ? (size_t)put : 0;
	if (put >= 0)
		return IO_MORE;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return IO_AGAIN;
	conn_cannot_write(c, CONN_RESET, (unsigned long)errno);
	return IO_ENDED;
}

static enum io
write_tls(struct conn *c, const char *bytes, size_t len, size_t *n)
{
	int put;

	c->write_wants_read = false;
	ERR_clear_error();
	put = SSL_write(c->ssl, bytes, len > INT32_MAX ? INT32_MAX : (int)len);
	*n = put > 0 ? (size_t)put : 0;
	if (put > 0)
		return IO_MORE;
	if (SSL_get_error(c->ssl, put) == SSL_ERROR_SYSCALL) {
		conn_cannot_write(c, CONN_RESET, (unsigned long)errno);
		ERR_clear_error();
		return IO_ENDED;
	}
	switch (conn_tls_wants(c, put)) {
	case IO_AGAIN:
		c->write_wants_read = true;
		return IO_AGAIN;
	case IO_MORE:
		return IO_AGAIN;
	default:
		return IO_ENDED;
	}
}

/* Writes until the kernel has enough; returns how much it took. */
static size_t
push(struct conn *c, const char *bytes, size_t len, bool plain)
{
	size_t done = 0, n;
	enum io io = IO_MORE;

	while (done < len && io == IO_MORE) {
		if (plain)
			io = write_plain(c, bytes + done, len - done, &n);
		else
			io = write_tls(c, bytes + done, len - done, &n);
		done += n;
	}
	if (done > 0)
		stats_add(STAT_bytes_out, (int64_t)done);
	return done;
}

static size_t
flush_part(struct conn *c, size_t len, bool plain)
{
	struct conn_out *out = c->out;
	size_t done = push(c, out->buf.p + out->from, len, plain);

	out->from += done;
	if (plain)
		out->plain -= out->plain > done ? done : out->plain;
	if (done > 0)
		out->stuck_since = clock_mono();
	return done;
}

/* Keeps the buffer from growing at its end while its front is long gone. */
static void
tidy(struct conn *c)
{
	struct conn_out *out = c->out;

	if (out->from < out->buf.n - out->from)
		return;
	buf_drop(&out->buf, out->from);
	out->from = 0;
}

bool
conn_flush(struct conn *c)
{
	struct conn_out *out = c->out;

	if (out == NULL)
		return true;
	if (c->ssl != NULL && out->plain > 0) {
		flush_part(c, out->plain, true);
		if (out->plain > 0)
			return false;
	}
	if (c->state != CONN_SHAKING && out->buf.n > out->from)
		flush_part(c, out->buf.n - out->from, c->ssl == NULL);
	if (out->buf.n == out->from) {
		conn_drop_out(c);
		return true;
	}
	if (c->state == CONN_SHAKING && out->polled) {
		/* The rest waits for the handshake, not for the kernel. */
		event_del(&out->event);
		out->polled = false;
	}
	tidy(c);
	return false;
}

static void
keep(struct conn *c, const char *bytes, size_t n)
{
	struct conn_out *out = conn_need_out(c);
	size_t room = out->buf.room;

	if (out->buf.n == out->from)
		out->stuck_since = clock_mono();
	buf_add(&out->buf, bytes, n);
	if (c->shard >= 0)
		budget_charge(BUDGET_OUTQ, (int64_t)(out->buf.room - room));
	if (c->state != CONN_SHAKING)
		conn_poll_write(c);
}

void
conn_write(struct conn *c, const void *bytes, size_t n)
{
	size_t done = 0;

	if (n == 0 || c->state == CONN_DRAINING || !conn_can_write(c))
		return;
	if (c->state != CONN_SHAKING && conn_waiting(c) == 0)
		done = push(c, bytes, n, c->ssl == NULL);
	if (done < n && conn_can_write(c))
		keep(c, (const char *)bytes + done, n - done);
}

size_t
conn_waiting(const struct conn *c)
{
	/* What a dead link has not taken waits for ever. */
	return (c->out == NULL ? 0 : c->out->buf.n - c->out->from) + c->mute;
}

int64_t
conn_stuck_since(const struct conn *c)
{
	return conn_waiting(c) == 0 || c->out == NULL ? 0 : c->out->stuck_since;
}

size_t
conn_weight(const struct conn *c)
{
	/* What an established server SSL weighs with its buffers released (measured, OpenSSL
	 * 3.0). */
	size_t weight = sizeof(*c) + (c->ssl == NULL ? 0 : 14 << 10);

	return c->out == NULL ? weight : weight + sizeof(*c->out) + c->out->buf.room;
}
