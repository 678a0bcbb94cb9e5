/* SPDX-License-Identifier: MIT */
/*
 * listen_proxy: accepted connections whose PROXY header has not come yet. Reads exactly the
 * header: it peeks, and takes from the kernel only what surely belongs to it, so that what
 * follows (a stream header, a TLS hello) is still there for the conn.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <event2/event_struct.h>
#include "base/mem.h"
#include "base/stats.h"
#include "net/listen_inside.h"
#include "net/loop.h"
#include "net/proxy.h"
#include "net/timer.h"

#define HEADER_MS 5000
#define MOST_WAITING 4096       /* a listener; a proxy sends its header at once */

struct proxied {
	struct link link;
	struct loop_task task;
	struct timeout timeout;
	struct event event;
	struct listener *listener;
	int *count;
	int fd;
	struct sockaddr_storage peer;   /* the proxy itself */
	socklen_t peer_len;
	size_t n;
	unsigned char bytes[PROXY_MAX];
};

/* The descriptor; the caller closes it or hands it on. */
static int
let_go(struct proxied *p)
{
	int fd = p->fd;

	event_del(&p->event);
	loop_unqueue(&p->task);
	timeout_clear(&p->timeout);
	link_remove(&p->link);
	(*p->count)--;
	free(p);
	return fd;
}

static void
hand_on(struct proxied *p, const struct proxy_header *header)
{
	struct listener *listener = p->listener;
	struct sockaddr_storage peer = header->has_peer ? header->peer : p->peer;
	socklen_t len = header->has_peer ? header->peer_len : p->peer_len;

	listener_hand_on(listener, let_go(p), (struct sockaddr *)&peer, len);
}

/* Takes n more bytes, which have been peeked at, out of the kernel. */
static bool
take(struct proxied *p, size_t n)
{
	if (n > 0 && recv(p->fd, p->bytes + p->n, n, MSG_DONTWAIT) != (ssize_t)n)
		return false;
	p->n += n;
	return true;
}

static void
read_header(struct loop_task *task)
{
	struct proxied *p = container_of(task, struct proxied, task);
	ssize_t got = recv(p->fd, p->bytes + p->n, sizeof(p->bytes) - p->n,
		MSG_PEEK | MSG_DONTWAIT);
	struct proxy_header header;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		close(let_go(p));
		return;
	}
	switch (proxy_parse(p->bytes, p->n + (size_t)got, &header)) {
	case PROXY_DONE:
		if (take(p, header.length - p->n)) {
			hand_on(p, &header);
			return;
		}
		break;
	case PROXY_MORE:
		if (take(p, (size_t)got))
			return;
		break;
	case PROXY_BAD:
		break;
	}
	close(let_go(p));
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct proxied *p = arg;

	(void)fd, (void)what;
	loop_queue(&p->task, LOOP_PRIORITY_UNBOUND);
}

static void
too_late(struct timeout *timeout)
{
	close(let_go(container_of(timeout, struct proxied, timeout)));
}

void
proxied_start(struct listener *listener, struct link *all, int *n, int fd,
	const struct sockaddr *peer, socklen_t len)
{
	struct proxied *p;

	if (*n >= MOST_WAITING) {
		close(fd);
		STAT_INC(conns_refused_limit);
		return;
	}
	p = mem_new(sizeof(*p));
	loop_task_init(&p->task, read_header);
	timeout_init(&p->timeout, too_late);
	link_append(all, &p->link);
	p->listener = listener;
	p->count = n;
	(*n)++;
	p->fd = fd;
	memcpy(&p->peer, peer, len);
	p->peer_len = len;
	event_assign(&p->event, loop_base(loop_id()), fd, EV_READ | EV_PERSIST, on_readable, p);
	event_add(&p->event, NULL);
	timeout_set(&p->timeout, HEADER_MS);
}

void
proxied_stop(struct link *all)
{
	list_each(all, it, next)
		close(let_go(container_of(it, struct proxied, link)));
}
