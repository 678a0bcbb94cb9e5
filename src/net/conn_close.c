/* SPDX-License-Identifier: MIT */
/*
 * conn_close: closing that takes a while. What waits is written, then the peer is told
 * (close_notify, FIN), and until it closes too its input is thrown away: closing a socket with
 * unread input makes the kernel send a reset, which can destroy our last words (a stream error,
 * say) before the peer has read them. All of it within the milliseconds the owner allows.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/socket.h>
#include "base/mem.h"
#include "net/conn_inside.h"
#include "net/timer.h"

/* Owns the connection when its owner has let go of it. */
struct goodbye {
	struct timeout timeout;
	struct conn *conn;
};

static void
finish(struct goodbye *g)
{
	timeout_clear(&g->timeout);
	conn_close(&g->conn);
	free(g);
}

static void
goodbye_expired(struct timeout *timeout)
{
	finish(container_of(timeout, struct goodbye, timeout));
}

static void
goodbye_ended(void *arg, enum conn_end end)
{
	(void)end;
	finish(arg);
}

static void
goodbye_drained(void *arg)
{
	struct goodbye *g = arg;
	struct conn *c = g->conn;

	conn_tls_goodbye(c);
	shutdown(c->fd, SHUT_WR);
	if (c->peer_done)
		finish(g);
}

static const struct conn_ops goodbye_ops = { .drained = goodbye_drained, .ended = goodbye_ended };

void
conn_throw_input_away(struct conn *c)
{
	c->readable = false;
	if (conn_discard_input(c)) {
		conn_poll(c);
	} else if (conn_waiting(c) > 0) {
		c->peer_done = true;    /* it may still be reading; if not, writing will tell */
		conn_unpoll(c);
	} else {
		conn_break(c, CONN_EOF, 0);
	}
}

void
conn_close_later(struct conn **taken, int ms)
{
	struct conn *c = *taken;
	struct goodbye *g;

	/* During a handshake there is nothing that the peer could read. */
	if (c == NULL || c->state == CONN_SHAKING || !conn_can_write(c) ||
		(c->state == CONN_BROKEN && conn_waiting(c) == 0)) {
		conn_close(taken);
		return;
	}
	*taken = NULL;
	g = mem_new(sizeof(*g));
	g->conn = c;
	timeout_init(&g->timeout, goodbye_expired);
	timeout_set(&g->timeout, ms);
	conn_owner(c, &goodbye_ops, g);
	c->peer_done = c->state == CONN_BROKEN;
	c->state = CONN_DRAINING;
	c->paused = false;
	if (conn_waiting(c) == 0)
		goodbye_drained(g);
	if (!c->peer_done) {
		conn_poll(c);
		conn_queue(c);
	}
}
