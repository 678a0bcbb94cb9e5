/* SPDX-License-Identifier: MIT */
/*
 * conn: a connection's life: polling, its turn, closing, and moving between shards. Bytes are
 * conn_io.c's, TLS is conn_tls.c's.
 *
 * libevent's callbacks only note what is ready and queue the connection; everything else happens
 * when the loop runs its task. So no event of a connection can be under way when it is closed or
 * sent to another shard, and an owner's callback may do both. Polling is level-triggered and
 * lazy: a connection that must not be read (paused, choked shard) is taken off the kernel's list
 * only when the kernel reports it meanwhile, and so is one that was reported already and still
 * waits for its turn.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/stats.h"
#include "net/conn_inside.h"
#include "net/inside.h"
#include "net/mailbox.h"

#define READ_SIZE 16384         /* a turn and connection; also the longest TLS record */

/* What the connections of a shard share. */
struct conn_shard {
	char *input;
	struct link parked;             /* tasks of those that wait for the mailboxes */
	struct link dead;               /* tasks of those closed in this turn */
	bool waits_for_clear;
};

static struct conn_shard *shards;

static void conn_run(struct loop_task *);

void
conn_setup(int n)
{
	shards = mem_new((size_t)n * sizeof(*shards));
	for (int i = 0; i < n; i++) {
		link_init(&shards[i].parked);
		link_init(&shards[i].dead);
	}
}

static void
bury(struct conn_shard *shard)
{
	list_each(&shard->dead, it, next) {
		struct loop_task *task = container_of(it, struct loop_task, link);

		link_remove(it);
		free(container_of(task, struct conn, task));
	}
}

void
conn_teardown(void)
{
	for (int i = 0; i < loop_count(); i++) {
		bury(&shards[i]);
		free(shards[i].input);
	}
	free(shards);
	shards = NULL;
}

static struct conn_shard *
mine(void)
{
	return &shards[loop_id()];
}

void
conn_bury(void)
{
	bury(mine());
}

void
conn_turn_start(void)
{
	/* The budget of unbound streams is kept by the loop, which runs their tasks. */
}

/* Polling */

void
conn_queue(struct conn *c)
{
	if (c->parked) {
		c->parked = false;
		loop_unqueue(&c->task);
	}
	loop_queue(&c->task, c->priority);
}

void
conn_unpoll(struct conn *c)
{
	if (c->polled)
		event_del(&c->read);
	c->polled = false;
}

void
conn_poll(struct conn *c)
{
	if (!c->polled && event_add(&c->read, NULL) == 0)
		c->polled = true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd, (void)what;
	if (c->readable || c->paused)
		/* it waits for its turn; not to be told again every turn until then */
		conn_unpoll(c);
	c->readable = true;
	if (!c->paused)
		conn_queue(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd, (void)what;
	c->writable = true;
	conn_queue(c);
}

void
conn_poll_write(struct conn *c)
{
	struct conn_out *out = conn_need_out(c);

	if (out->polled || c->shard < 0)
		return;
	event_assign(&out->event, loop_base(c->shard), c->fd, EV_WRITE | EV_PERSIST,
		on_writable, c);
	if (event_add(&out->event, NULL) == 0)
		out->polled = true;
}

static void
join_loop(struct conn *c)
{
	c->shard = (int16_t)loop_id();
	sc_assert(c->shard >= 0);
	event_assign(&c->read, loop_base(c->shard), c->fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->state != CONN_BROKEN)
		conn_poll(c);
	if (c->out != NULL && conn_can_write(c))
		conn_poll_write(c);
}

static void
leave_loop(struct conn *c)
{
	conn_unpoll(c);
	if (c->out != NULL && c->out->polled) {
		event_del(&c->out->event);
		c->out->polled = false;
	}
	c->parked = false;
	loop_unqueue(&c->task);
}

/* The shard is choked: what its clients send stays in the kernel until its letters have been
 * taken. */

static void
unpark(void *arg)
{
	struct conn_shard *shard = arg;

	shard->waits_for_clear = false;
	list_each(&shard->parked, it, next) {
		struct loop_task *task = container_of(it, struct loop_task, link);

		conn_queue(container_of(task, struct conn, task));
	}
}

static void
park(struct conn *c)
{
	struct conn_shard *shard = mine();

	conn_unpoll(c);
	loop_unqueue(&c->task);
	c->parked = true;
	link_append(&shard->parked, &c->task.link);
	if (!shard->waits_for_clear)
		mailbox_when_clear(unpark, shard);
	shard->waits_for_clear = true;
}

/* A connection's turn */

bool
conn_left(const struct conn *c)
{
	return c->state == CONN_GONE || c->shard < 0;
}

bool
conn_can_write(const struct conn *c)
{
	return c->state != CONN_GONE && !c->mute && (c->state != CONN_BROKEN || c->end == CONN_EOF);
}

void
conn_break(struct conn *c, enum conn_end end, unsigned long error)
{
	if (c->state == CONN_GONE || (c->state == CONN_BROKEN && c->end != CONN_EOF))
		return;
	c->end = (uint8_t)end;
	c->error = error;
	c->state = CONN_BROKEN;
	if (c->shard < 0)
		return;         /* attach finds it broken */
	leave_loop(c);
	conn_queue(c);
}

/* A peer that sends and goes makes our next write fail, while what it has sent lies in the
 * kernel or waits behind a pause. */
void
conn_cannot_write(struct conn *c, enum conn_end end, unsigned long error)
{
	if (c->state != CONN_PLAIN && c->state != CONN_SECURE) {
		conn_break(c, end, error);
		return;
	}
	c->mute = true;
	if (c->out != NULL && c->out->polled) {
		event_del(&c->out->event);
		c->out->polled = false;
	}
}

static void
read_input(struct conn *c)
{
	struct conn_shard *shard = mine();
	size_t n = 0;
	enum io io;

	if (shard->input == NULL)
		shard->input = mem_new(READ_SIZE);
	io = conn_read_some(c, shard->input, READ_SIZE, &n);
	c->readable = io == IO_MORE;
	if (n > 0) {
		stats_add(STAT_bytes_in, (int64_t)n);
		if (c->state == CONN_PLAIN)
			c->had_plain = true;
		c->ops->input(c->owner, shard->input, n);
		if (conn_left(c))
			return;
	}
	if (io == IO_ENDED || c->state == CONN_BROKEN)
		return;
	if (!c->readable)
		conn_poll(c);
	else if (!c->paused)
		conn_queue(c);
}

static void
write_out(struct conn *c)
{
	bool waited = conn_waiting(c) > 0;

	if (c->out == NULL || !conn_can_write(c))
		return;
	if (conn_flush(c) && waited && c->ops->drained != NULL)
		c->ops->drained(c->owner);
}

static void
tell_end(struct conn *c)
{
	if (c->told)
		return;
	c->told = true;
	c->ops->ended(c->owner, c->end);
}

static void
conn_run(struct loop_task *task)
{
	struct conn *c = container_of(task, struct conn, task);
	bool write = c->writable || (c->write_wants_read && c->readable);

	c->writable = false;
	if (write && c->read_wants_write) {
		c->read_wants_write = false;
		c->readable = true;
	}
	if (write)
		write_out(c);
	if (!conn_left(c) && c->state == CONN_SHAKING) {
		conn_shake(c);
		if (!conn_left(c) && c->state == CONN_SECURE)
			write_out(c);   /* what was written during the handshake */
	}
	if (conn_left(c) || c->state == CONN_SHAKING)
		return;
	if (c->state == CONN_BROKEN)
		tell_end(c);
	else if (c->state == CONN_DRAINING)
		conn_throw_input_away(c);
	else if (c->readable && !c->paused && mailbox_choked())
		park(c);
	else if (c->readable && !c->paused)
		read_input(c);
}

/* Beginning and end */

static void
keep_peer(struct conn *c, const struct sockaddr *peer, socklen_t len)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (peer->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *six = (const void *)peer;

		memcpy(c->address, &six->sin6_addr, 16);
		c->port = ntohs(six->sin6_port);
		return;
	}
	memcpy(c->address, mapped, 12);
	if (peer->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *four = (const void *)peer;

		memcpy(c->address + 12, &four->sin_addr, 4);
		c->port = ntohs(four->sin_port);
	}
}

struct conn *
conn_new(int fd, const struct sockaddr *peer, socklen_t peer_len, const struct conn_ops *ops,
	void *owner)
{
	struct conn *c = mem_new(sizeof(*c));

	loop_task_init(&c->task, conn_run);
	c->fd = fd;
	c->ops = ops;
	c->owner = owner;
	c->priority = LOOP_PRIORITY_UNBOUND;
	keep_peer(c, peer, peer_len);
	join_loop(c);
	STAT_INC(conns_now);
	return c;
}

void
conn_owner(struct conn *c, const struct conn_ops *ops, void *owner)
{
	c->ops = ops;
	c->owner = owner;
}

void
conn_close(struct conn **taken)
{
	struct conn *c = *taken;

	*taken = NULL;
	if (c == NULL)
		return;
	sc_assert(c->state != CONN_GONE);
	sc_assert(c->shard < 0 || c->shard == loop_id());
	if (conn_can_write(c))
		conn_flush(c);
	conn_tls_goodbye(c);
	leave_loop(c);
	c->state = CONN_GONE;
	conn_drop_out(c);
	SSL_free(c->ssl);
	c->ssl = NULL;
	/* With unread input the kernel would answer with a reset, and the peer may lose our last
	 * words to it. */
	conn_discard_input(c);
	close(c->fd);
	stats_add(STAT_conns_now, -1);
	if (loop_id() < 0)
		free(c);
	else
		link_append(&mine()->dead, &c->task.link);
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->shard < 0 || c->state == CONN_BROKEN || c->state == CONN_GONE)
		return;
	if (c->readable)
		conn_queue(c);
	else
		conn_poll(c);
}

bool
conn_paused(const struct conn *c)
{
	return c->paused;
}

void
conn_priority(struct conn *c, int priority)
{
	c->priority = (uint8_t)priority;
}

/* Moving. The two events are deleted before the letter can be posted, and nothing of the old
 * shard knows the connection then. */

void
conn_detach(struct conn *c)
{
	sc_assert(c->shard == loop_id() && c->state != CONN_GONE);
	leave_loop(c);
	conn_charge_out(c, -1);
	c->shard = -1;
}

void
conn_attach(struct conn *c, const struct conn_ops *ops, void *owner)
{
	sc_assert(c->shard < 0 && c->state != CONN_GONE);
	conn_owner(c, ops, owner);
	join_loop(c);
	conn_charge_out(c, 1);
	if (conn_has_pending(c))
		c->readable = true;
	if (c->readable || c->writable || c->state == CONN_SHAKING || c->state == CONN_BROKEN)
		conn_queue(c);
}

/* Facts */

const char *
conn_peer_text(const struct conn *c)
{
	static _Thread_local char text[INET6_ADDRSTRLEN + sizeof("[]:65535")];
	char address[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)c->address)) {
		inet_ntop(AF_INET, c->address + 12, address, sizeof(address));
		snprintf(text, sizeof(text), "%s:%u", address, c->port);
	} else {
		inet_ntop(AF_INET6, c->address, address, sizeof(address));
		snprintf(text, sizeof(text), "[%s]:%u", address, c->port);
	}
	return text;
}

void
conn_peer_key(const struct conn *c, unsigned char out[16])
{
	memcpy(out, c->address, 16);
	if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)c->address))
		memset(out + 8, 0, 8);
}
