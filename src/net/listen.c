/* SPDX-License-Identifier: MIT */
/*
 * listen: a shard accepts. When descriptors run out, the reserve descriptor is given up so that
 * one waiting peer can be accepted and refused (else the socket would stay readable for ever),
 * then accepting rests for a while; the others wait in the backlog.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/stats.h"
#include "net/listen.h"
#include "net/listen_inside.h"
#include "net/loop.h"
#include "net/timer.h"

#define A_TURN 64
#define REST_MS 100
#define LOG_EVERY (60 * INT64_C(1000000))

/* A silent peer behind a dead link is noticed by TCP after 15 minutes and 4 probes; streams have
 * quicker ways for what matters. */
#define KEEPALIVE_IDLE 900
#define KEEPALIVE_INTERVAL 60
#define KEEPALIVE_PROBES 4
/* Bytes that the peer's kernel does not acknowledge for so long: the link is dead (reliability
 * F11). */
#define UNACKNOWLEDGED_MS 90000

struct listener {
	struct loop_task task;
	struct event *event;
	struct timeout rest;
	int fd, reserve;
	bool proxy, paused, resting;
	listen_accepted accepted;
	void *arg;
	struct link proxied;            /* those whose PROXY header is not complete */
	int proxied_n;
	int64_t logged;                 /* the last line about descriptors */
};

static void accept_some(struct loop_task *);

static void
watch(struct listener *l)
{
	if (l->paused || l->resting)
		event_del(l->event);
	else
		event_add(l->event, NULL);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd, (void)what;
	loop_queue(&l->task, LOOP_PRIORITY_LISTEN);
}

static void
rested(struct timeout *timeout)
{
	struct listener *l = container_of(timeout, struct listener, rest);

	l->resting = false;
	watch(l);
}

/* Accepted sockets inherit these, so they cost nothing per connection. */
static void
set_options(int fd)
{
	static const struct { int level, name, value; } options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static int
open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

struct listener *
listen_start(int fd, bool proxy, listen_accepted accepted, void *arg)
{
	struct listener *l = mem_new(sizeof(*l));

	loop_task_init(&l->task, accept_some);
	timeout_init(&l->rest, rested);
	link_init(&l->proxied);
	l->fd = fd;
	l->reserve = open_reserve();
	l->proxy = proxy;
	l->accepted = accepted;
	l->arg = arg;
	set_options(fd);
	l->event = event_new(loop_base(loop_id()), fd, EV_READ | EV_PERSIST, on_ready, l);
	sc_assert(l->event != NULL);
	watch(l);
	return l;
}

void
listen_pause(struct listener *l, bool paused)
{
	l->paused = paused;
	watch(l);
}

static void
take_a_rest(struct listener *l, int error)
{
	l->resting = true;
	watch(l);
	timeout_set(&l->rest, REST_MS);
	if (l->logged != 0 && clock_mono() - l->logged < LOG_EVERY)
		return;
	l->logged = clock_mono();
	sc_log(NULL, SC_LOG_ERROR, "listen.cannot_accept", "reason=\"%s\" rest_ms=%d",
		strerror(error), REST_MS);
}

/* With the descriptor that was kept for this. */
static void
refuse_one(struct listener *l)
{
	int fd;

	if (l->reserve >= 0) {
		close(l->reserve);
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			STAT_INC(conns_refused_limit);
		}
	}
	l->reserve = open_reserve();
}

void
listener_hand_on(struct listener *l, int fd, const struct sockaddr *peer, socklen_t len)
{
	l->accepted(l->arg, fd, peer, len);
}

/* False: stop for this turn. */
static bool
accept_one(struct listener *l)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		STAT_INC(conns_accepted);
		if (l->proxy)
			proxied_start(l, &l->proxied, &l->proxied_n, fd, (struct sockaddr *)&peer,
				len);
		else
			listener_hand_on(l, fd, (struct sockaddr *)&peer, len);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		take_a_rest(l, errno);
		refuse_one(l);
		return false;
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
	case EOPNOTSUPP:
		take_a_rest(l, errno);  /* the socket itself is of no use (any more); not to spin */
		return false;
	default:
		/* that one peer is gone already (ECONNABORTED and the like); bounded by the turn */
		return true;
	}
}

static void
accept_some(struct loop_task *task)
{
	struct listener *l = container_of(task, struct listener, task);

	for (int i = 0; i < A_TURN && !l->paused && !l->resting; i++)
		if (!accept_one(l))
			return;
}

void
listen_stop(struct listener **taken)
{
	struct listener *l = *taken;
	int fd;

	*taken = NULL;
	if (l == NULL)
		return;
	event_free(l->event);
	loop_unqueue(&l->task);
	timeout_clear(&l->rest);
	proxied_stop(&l->proxied);
	if (l->reserve >= 0)
		close(l->reserve);
	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
	close(l->fd);
	free(l);
}
