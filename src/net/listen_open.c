/* SPDX-License-Identifier: MIT */
/* listen_open: the supervisor's half: several sockets for one address and port, between which
 * the kernel shares the connections. */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "net/listen.h"

#define BACKLOG 4096

struct place {
	struct sockaddr_storage address;
	socklen_t len;
	const char *text;
	int port;
};

static bool
complain(char *error, size_t size, const struct place *place, const char *what)
{
	snprintf(error, size, "[%s]:%d: %s: %s", place->text, place->port, what, strerror(errno));
	return false;
}

static bool
find_place(struct place *place, char *error, size_t size)
{
	struct addrinfo hints = { 0 }, *found;
	char service[16];
	int why;

	hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
	hints.ai_socktype = SOCK_STREAM;
	snprintf(service, sizeof(service), "%d", place->port);
	why = getaddrinfo(place->text, service, &hints, &found);
	if (why != 0) {
		snprintf(error, size, "\"%s\" is no IP address: %s", place->text,
			gai_strerror(why));
		return false;
	}
	memcpy(&place->address, found->ai_addr, found->ai_addrlen);
	place->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static void
take_port(const struct place *place, struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons((in_port_t)place->port);
	else
		((struct sockaddr_in *)address)->sin_port = htons((in_port_t)place->port);
}

/* A kernel without IPv6 still has all of IPv4. */
static int
new_socket(struct place *place)
{
	int fd = socket(place->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 || errno != EAFNOSUPPORT || strcmp(place->text, "::") != 0)
		return fd;
	memset(&place->address, 0, sizeof(place->address));
	place->address.ss_family = AF_INET;
	place->len = sizeof(struct sockaddr_in);
	take_port(place, &place->address);
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* share: with SO_REUSEPORT. -1 with a sentence. */
static int
bound_socket(struct place *place, bool share, char *error, size_t size)
{
	int on = 1, only_six = strcmp(place->text, "::") != 0, fd = new_socket(place);

	if (fd < 0) {
		complain(error, size, place, "socket");
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (place->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof(only_six));
	if (bind(fd, (struct sockaddr *)&place->address, place->len) == 0)
		return fd;
	complain(error, size, place, "cannot listen");
	close(fd);
	return -1;
}

/* With SO_REUSEPORT a second server of the same user would silently get a share of our
 * connections, or we of its. */
static bool
is_free(struct place *place, char *error, size_t size)
{
	int fd = bound_socket(place, false, error, size);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Port 0: the first socket gets a free one, the others the same. */
static void
learn_port(int fd, struct place *place)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t len = sizeof(bound);

	if (place->port != 0 || getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
		return;
	place->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
							: ((struct sockaddr_in *)&bound)->sin_port);
	take_port(place, &place->address);
}

bool
listen_open(const char *address, int port, int n, int *fds, char *error, size_t error_size)
{
	struct place place = { .text = address, .port = port };
	int made = 0;

	if (!find_place(&place, error, error_size) ||
		(port != 0 && !is_free(&place, error, error_size)))
		return false;
	for (; made < n; made++) {
		fds[made] = bound_socket(&place, true, error, error_size);
		if (fds[made] < 0)
			break;
		learn_port(fds[made], &place);
		if (listen(fds[made], BACKLOG) == 0)
			continue;
		complain(error, error_size, &place, "cannot listen");
		close(fds[made]);
		break;
	}
	if (made == n)
		return true;
	while (made > 0)
		close(fds[--made]);
	return false;
}
