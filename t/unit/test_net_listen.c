/* SPDX-License-Identifier: MIT */
/* listen: opening, accepting, dual stack, pausing, the PROXY protocol, and running out of
 * descriptors. */
#include "config.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "base/stats.h"
#include "net/listen.h"
#include "test_net_help.h"

static char error[256], peer_text[80];
static int accepted[256], accepted_n;

static void
on_accept(void *arg, int fd, const struct sockaddr *peer, socklen_t len)
{
	struct owner probe;

	(void)arg;
	probe.conn = conn_new(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer, len,
		&owner_ops, &probe);
	snprintf(peer_text, sizeof(peer_text), "%s", conn_peer_text(probe.conn));
	conn_close(&probe.conn);
	accepted[accepted_n++] = fd;
}

static void
keep_fd(void *arg, int fd, const struct sockaddr *peer, socklen_t len)
{
	(void)arg, (void)peer, (void)len;
	accepted[accepted_n++] = fd;
}

static void
close_accepted(void)
{
	while (accepted_n > 0)
		close(accepted[--accepted_n]);
}

static int
port_of(int fd)
{
	struct sockaddr_in6 at = { 0 };
	socklen_t len = sizeof(at);

	getsockname(fd, (struct sockaddr *)&at, &len);
	return ntohs(at.sin6_port);
}

static int
dial(int family, int port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((in_port_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = family == AF_INET ? connect(fd, (struct sockaddr *)&four, sizeof(four))
		: connect(fd, (struct sockaddr *)&six, sizeof(six));

	if (failed == 0)
		return fd;
	close(fd);
	return -1;
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void
test_open(void)
{
	int fds[4], more[1];

	ok(listen_open("127.0.0.1", 0, 4, fds, error, sizeof(error)),
		"four sockets for one port: %s", error);
	ok(port_of(fds[0]) > 0 && port_of(fds[0]) == port_of(fds[3]), "the same port");
	error[0] = '\0';
	ok(!listen_open("127.0.0.1", port_of(fds[0]), 1, more, error, sizeof(error)),
		"a port in use is refused, though it could be shared");
	ok(strstr(error, "Address already in use") != NULL, "says why: %s", error);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	ok(!listen_open("example.org", 0, 1, fds, error, sizeof(error)), "a name is no address: %s",
		error);
}

static void
test_accept(void)
{
	struct listener *l;
	int fds[1], port, client;
	bool have_six;

	if (!listen_open("::", 0, 1, fds, error, sizeof(error)))
		abort();
	have_six = option(fds[0], SOL_SOCKET, SO_DOMAIN) == AF_INET6;
	port = port_of(fds[0]);
	l = listen_start(fds[0], false, on_accept, NULL);
	client = dial(AF_INET, port);
	ok(RUN_UNTIL(accepted_n == 1), "accepts IPv4 on ::");
	ok(strncmp(peer_text, "127.0.0.1:", 10) == 0, "as IPv4: %s", peer_text);
	is_int(option(accepted[0], IPPROTO_TCP, TCP_NODELAY), 1, "TCP_NODELAY is inherited");
	is_int(option(accepted[0], SOL_SOCKET, SO_KEEPALIVE), 1, "SO_KEEPALIVE is inherited");
	is_int(option(accepted[0], IPPROTO_TCP, TCP_KEEPIDLE), 900, "and its times");
	ok((fcntl(accepted[0], F_GETFL) & O_NONBLOCK) && (fcntl(accepted[0], F_GETFD) & FD_CLOEXEC),
		"non-blocking, close-on-exec");
	close(client);
	close_accepted();
	if (have_six) {
		client = dial(AF_INET6, port);
		ok(client >= 0 && RUN_UNTIL(accepted_n == 1) && strncmp(peer_text, "[::1]:",
			6) == 0, "accepts IPv6: %s", peer_text);
		close(client);
		close_accepted();
	}
	listen_pause(l, true);
	client = dial(AF_INET, port);
	help_turns(10);
	is_int(accepted_n, 0, "paused");
	listen_pause(l, false);
	ok(RUN_UNTIL(accepted_n == 1), "and on again");
	close_accepted();
	close(client);

	listen_pause(l, true);
	client = dial(AF_INET, port);
	listen_stop(&l);
	char byte;
	ok(l == NULL && read(client, &byte, 1) == 0, "what waits is closed when it stops");
	close(client);
	ok(dial(AF_INET, port) < 0, "nobody listens any more");
}

/* More than 64 a turn wait for the next. */
static void
test_many(void)
{
	int fds[1], clients[100];
	struct listener *l;

	listen_open("127.0.0.1", 0, 1, fds, error, sizeof(error));
	l = listen_start(fds[0], false, keep_fd, NULL);
	for (int i = 0; i < 100; i++)
		clients[i] = dial(AF_INET, port_of(fds[0]));
	loop_turn();
	is_int(accepted_n, 64, "64 a turn");
	loop_turn();
	is_int(accepted_n, 100, "the rest in the next");
	for (int i = 0; i < 100; i++)
		close(clients[i]);
	close_accepted();
	listen_stop(&l);
}

static void
test_proxy(void)
{
	static const char header[] = "PROXY TCP4 203.0.113.5 10.0.0.1 4321 5222\r\n";
	int fds[1], client, port;
	struct listener *l;
	char byte;

	listen_open("127.0.0.1", 0, 1, fds, error, sizeof(error));
	port = port_of(fds[0]);
	l = listen_start(fds[0], true, on_accept, NULL);

	client = dial(AF_INET, port);
	for (size_t i = 0; i < sizeof(header) - 2; i++) {
		(void)!write(client, header + i, 1);
		help_turns(2);
	}
	is_int(accepted_n, 0, "the header comes byte by byte");
	(void)!write(client, "\n<stream>", 9);
	ok(RUN_UNTIL(accepted_n == 1), "then it is whole");
	is_text(peer_text, "203.0.113.5:4321", "the real peer");
	char got[16] = "";
	ok(read(accepted[0], got, sizeof(got)) == 8 && strcmp(got, "<stream>") == 0,
		"what follows is not touched");
	close_accepted();
	close(client);

	client = dial(AF_INET, port);
	(void)!write(client, "PROXY UNKNOWN\r\n", 15);
	ok(RUN_UNTIL(accepted_n == 1) && strncmp(peer_text, "127.0.0.1:", 10) == 0,
		"unknown: the proxy itself: %s", peer_text);
	close_accepted();
	close(client);

	client = dial(AF_INET, port);
	(void)!write(client, "<stream>", 8);
	help_turns(20);
	ok(accepted_n == 0 && read(client, &byte, 1) <= 0, "without a header it is closed");
	close(client);

	client = dial(AF_INET, port);
	(void)!write(client, "PROXY ", 6);
	RUN_UNTIL(stats_sum(STAT_conns_accepted) >= 4);
	help_turns(2);
	clock_shift(6 * 1000000);
	help_turns(3);
	ok(accepted_n == 0 && read(client, &byte, 1) == 0, "nor is it waited for longer than 5 s");
	close(client);

	client = dial(AF_INET, port);
	(void)!write(client, "PROXY ", 6);
	help_turns(5);
	listen_stop(&l);
	ok(read(client, &byte, 1) == 0, "stopping closes the incomplete ones");
	close(client);
}

static void
test_no_descriptors(void)
{
	struct rlimit before, few;
	int64_t now = clock_mono();
	int fds[1], clients[8], port, top;
	struct listener *l;
	char byte;

	listen_open("127.0.0.1", 0, 1, fds, error, sizeof(error));
	port = port_of(fds[0]);
	l = listen_start(fds[0], false, keep_fd, NULL);
	clock_freeze(now, now);
	for (int i = 0; i < 8; i++)
		clients[i] = dial(AF_INET, port);
	getrlimit(RLIMIT_NOFILE, &before);
	top = dup(0);
	close(top);
	few = before;
	few.rlim_cur = (rlim_t)top + 3;
	setrlimit(RLIMIT_NOFILE, &few);
	help_turns(5);
	is_int(accepted_n, 3, "as many as there are descriptors");
	ok(recv(clients[3], &byte, 1, MSG_DONTWAIT) == 0,
		"one is refused with the reserve descriptor");
	ok(recv(clients[4], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN,
		"the others wait in the backlog");
	is_int(stats_sum(STAT_conns_refused_limit), 1, "counted");
	help_turns(20);
	is_int(stats_sum(STAT_conns_refused_limit), 1, "it rests and does not spin");
	setrlimit(RLIMIT_NOFILE, &before);
	now += 200 * 1000;
	clock_freeze(now, now);
	ok(RUN_UNTIL(accepted_n == 7), "and goes on when there are some again");
	for (int i = 0; i < 8; i++)
		close(clients[i]);
	close_accepted();
	listen_stop(&l);
}

int
main(void)
{
	loop_setup(1);
	loop_become(0);
	stats_thread_start();
	test_open();
	test_accept();
	test_many();
	test_proxy();
	test_no_descriptors();
	help_turns(2);
	loop_teardown();
	return done_testing();
}
