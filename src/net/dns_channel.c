/* SPDX-License-Identifier: MIT */
/*
 * dns_channel: c-ares on the loop. It tells which descriptors it wants watched; its time-outs are
 * looked after by a tick that runs only while something is asked.
 */
#include "config.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/list.h"
#include "base/mem.h"
#include "net/dns_inside.h"
#include "net/timer.h"

#define TICK_MS 100

struct watched {
	struct link link;
	struct dns_channel *channel;
	struct event *event;
	evutil_socket_t fd;
};

struct dns_channel {
	ares_channel ares;
	struct link watched;
	struct timeout tick;
};

static void
library_start(void)
{
	sc_assert(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

static void
socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct watched *w = arg;

	loop_woke();
	/* c-ares may close the descriptor and free w in this call. */
	ares_process_fd(w->channel->ares, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE
		? fd : ARES_SOCKET_BAD);
}

static struct watched *
find_watched(struct dns_channel *c, ares_socket_t fd)
{
	list_each(&c->watched, it, tmp) {
		struct watched *w = container_of(it, struct watched, link);

		if (w->fd == fd)
			return w;
	}
	return NULL;
}

static void
unwatch(struct watched *w)
{
	event_free(w->event);
	link_remove(&w->link);
	free(w);
}

/* c-ares opens, uses and closes a descriptor; both 0: it closes it next. */
static void
socket_wanted(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_channel *c = arg;
	struct watched *w = find_watched(c, fd);
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (w != NULL)
		unwatch(w);
	if (what == 0)
		return;
	w = mem_new(sizeof(*w));
	w->channel = c;
	w->fd = fd;
	w->event = event_new(loop_base(loop_id()), fd, (short)(what | EV_PERSIST), socket_ready, w);
	sc_assert(w->event != NULL && event_add(w->event, NULL) == 0);
	link_append(&c->watched, &w->link);
}

static void
tick(struct timeout *t)
{
	struct dns_channel *c = container_of(t, struct dns_channel, tick);
	struct timeval next;

	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (ares_timeout(c->ares, NULL, &next) != NULL || !link_alone(&c->watched))
		timeout_set(t, TICK_MS);
}

/* --- settings --- */

static bool
is_number(const char *text, size_t n, int *value)
{
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + text[i] - '0';
		if (*value > 65535)
			return false;
	}
	return n > 0 && *value > 0;
}

/* "192.0.2.1", "2001:db8::1", either with ":port", the second then in brackets. */
static bool
read_server(const char *text, struct ares_addr_port_node *node)
{
	const char *port = NULL, *end = text + strlen(text);
	char address[64];
	int number = 53;

	if (*text == '[') {
		end = strchr(text++, ']');
		port = end == NULL || end[1] == '\0' ? NULL : end + 1;
	} else if (strchr(text, ':') == strrchr(text, ':') && strchr(text, ':') != NULL) {
		port = end = strchr(text, ':');
	}
	if (end == NULL || (size_t)(end - text) >= sizeof(address) || (port != NULL &&
		*port != ':'))
		return false;
	if (port != NULL && !is_number(port + 1, strlen(port + 1), &number))
		return false;
	memcpy(address, text, (size_t)(end - text));
	address[end - text] = '\0';
	node->udp_port = node->tcp_port = number;
	node->family = AF_INET;
	if (ares_inet_pton(AF_INET, address, &node->addr.addr4) == 1)
		return true;
	node->family = AF_INET6;
	return ares_inet_pton(AF_INET6, address, &node->addr.addr6) == 1;
}

static bool
set_servers(struct dns_channel *c, const struct dns_conf *conf, char *error, size_t size)
{
	struct ares_addr_port_node nodes[8] = { 0 };
	int n = 0;

	for (; conf->servers != NULL && conf->servers[n] != NULL; n++) {
		if (n == 8 || !read_server(conf->servers[n], &nodes[n])) {
			snprintf(error, size, n == 8 ? "more than 8 name servers" :
				"\"%s\" is no address of a name server",
				conf->servers[n]);
			return false;
		}
		if (n > 0)
			nodes[n - 1].next = &nodes[n];
	}
	return n == 0 || c == NULL || ares_set_servers_ports(c->ares, nodes) == ARES_SUCCESS;
}

bool
dns_channel_check(const struct dns_conf *conf, char *error, size_t error_size)
{
	return set_servers(NULL, conf, error, error_size);
}

struct dns_channel *
dns_channel_new(const struct dns_conf *conf, char *error, size_t error_size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct dns_channel *c;
	/* EDNS: also makes c-ares ask without it where a server does not know it. */
	struct ares_options options = { .flags =
		ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = (int)conf->timeout, .tries = (int)conf->tries, .ednspsz = DNS_UDP_SIZE,
		.sock_state_cb = socket_wanted };
	int status;

	if (!dns_channel_check(conf, error, error_size))
		return NULL;
	pthread_once(&once, library_start);
	c = mem_new(sizeof(*c));
	link_init(&c->watched);
	timeout_init(&c->tick, tick);
	options.sock_state_cb_data = c;
	status = ares_init_options(&c->ares, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS) {
		snprintf(error, error_size, "the resolver cannot be used: %s",
			ares_strerror(status));
		free(c);
		return NULL;
	}
	if (!set_servers(c, conf, error, error_size)) {
		dns_channel_free(&c);
		return NULL;
	}
	return c;
}

void
dns_channel_free(struct dns_channel **taken)
{
	struct dns_channel *c = *taken;

	*taken = NULL;
	if (c == NULL)
		return;
	timeout_clear(&c->tick);
	ares_destroy(c->ares);
	while (!link_alone(&c->watched))
		unwatch(container_of(c->watched.next, struct watched, link));
	free(c);
}

void
dns_channel_send(struct dns_channel *c, const unsigned char *bytes, int n, ares_callback done,
	void *arg)
{
	if (!timeout_armed(&c->tick))
		timeout_set(&c->tick, TICK_MS);
	ares_send(c->ares, bytes, n, done, arg);
}
