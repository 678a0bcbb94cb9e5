/* SPDX-License-Identifier: MIT */
/* conn: plain connections: reading, writing more than fits, pausing, choking, and all the ways
 * of closing. */
#include "config.h"

#include <errno.h>
#include "base/clock.h"
#include "net/mailbox.h"
#include "net/tls.h"
#include "test_net_help.h"

#define BIG (3 << 20)

static void
test_bytes(void)
{
	struct owner server, client;

	owner_pair(&server, &client);
	conn_write(client.conn, "<stream>", 8);
	ok(RUN_UNTIL(server.n == 8), "bytes arrive");
	is_text(server.got, "<stream>", "the right ones");
	conn_write(server.conn, "<features/>", 11);
	ok(RUN_UNTIL(client.n == 11), "and the other way");
	is_int(server.drained + client.drained, 0,
		"nothing waited, so nobody is told that it has gone");
	ok(!conn_is_tls(server.conn) && conn_sni(server.conn) == NULL &&
		conn_alpn(server.conn) == NULL && conn_peer_cert(server.conn) == NULL,
		"no TLS facts");
	conn_close(&client.conn);
	ok(client.conn == NULL, "closing nulls the pointer");
	ok(RUN_UNTIL(server.ended == 1), "the other end is told");
	is_int(server.end, CONN_EOF, "in order");
	help_turns(3);
	is_int(server.ended, 1, "once");
	owner_forget(&server);
	owner_forget(&client);
}

static void
test_peer(void)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(99) };
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(98) };
	unsigned char key[16], want[16] = { 0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2 };
	struct owner a, b;

	owner_pair(&a, &b);
	is_text(conn_peer_text(a.conn), "192.0.2.1:5678", "IPv4 peer");
	owner_forget(&a);
	owner_forget(&b);
	help_turns(1);

	inet_pton(AF_INET6, "2001:db8:1:2:3:4:5:6", &six.sin6_addr);
	a.conn = conn_new(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&six, sizeof(six),
		&owner_ops, &a);
	is_text(conn_peer_text(a.conn), "[2001:db8:1:2:3:4:5:6]:99", "IPv6 peer");
	conn_peer_key(a.conn, key);
	ok(memcmp(key, want, 16) == 0, "the key is the /64");
	owner_forget(&a);

	inet_pton(AF_INET6, "::ffff:192.0.2.9", &mapped.sin6_addr);
	a.conn = conn_new(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped,
		sizeof(mapped), &owner_ops, &a);
	is_text(conn_peer_text(a.conn), "192.0.2.9:98", "IPv4 on a dual-stack socket");
	conn_peer_key(a.conn, key);
	is_int(key[15], 9, "the key is the whole address");
	owner_forget(&a);
	help_turns(1);
}

static bool
is_pattern(const char *got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)got[i] != (unsigned char)(i * 7 + i / 251))
			return false;
	return true;
}

static char *
pattern(size_t n)
{
	char *bytes = malloc(n);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return bytes;
}

static void
test_slow_reader(void)
{
	struct owner server, client;
	char *bytes = pattern(BIG);

	owner_pair(&server, &client);
	conn_pause(client.conn);
	ok(conn_paused(client.conn), "the client does not read");
	is_int(conn_stuck_since(server.conn), 0, "not stuck");
	conn_write(server.conn, bytes, BIG / 2);
	conn_write(server.conn, bytes + BIG / 2, BIG / 2);
	help_turns(20);
	ok(conn_waiting(server.conn) > 0, "%zu bytes wait", conn_waiting(server.conn));
	ok(conn_stuck_since(server.conn) > 0, "stuck");
	ok(conn_weight(server.conn) > conn_waiting(server.conn), "and weighs");
	is_int(client.inputs, 0, "nothing is read while paused");
	conn_resume(client.conn);
	ok(RUN_UNTIL(client.n == BIG), "all arrive after resuming");
	ok(is_pattern(client.got, BIG), "in order");
	is_int(client.largest, 16384, "at most 16 KiB at a time");
	is_int(server.drained, 1, "the writer is told once");
	is_int(conn_waiting(server.conn), 0, "nothing waits");
	is_int(conn_stuck_since(server.conn), 0, "not stuck");
	ok(conn_weight(server.conn) < 400, "an idle connection weighs %zu bytes",
		conn_weight(server.conn));
	owner_forget(&server);
	owner_forget(&client);
	free(bytes);
}

/* 16 KiB a turn, also when everything is there already. */
static void
test_share_of_a_turn(void)
{
	struct owner server, client;
	char *bytes = pattern(100000);

	owner_pair(&server, &client);
	conn_write(client.conn, bytes, 100000);
	help_turns(1);
	size_t before = server.n;
	help_turns(1);
	ok(server.n - before <= 16384, "one turn brings at most 16 KiB");
	ok(RUN_UNTIL(server.n == 100000), "the rest comes in more turns");
	free(bytes);
	owner_forget(&server);
	owner_forget(&client);
}

static void close_it(struct owner *o) { conn_close(&o->conn); }

static void
test_close_inside(void)
{
	struct owner server, client;

	owner_pair(&server, &client);
	server.on_input = close_it;
	conn_write(client.conn, "x", 1);
	ok(RUN_UNTIL(client.ended == 1), "closed inside input()");
	owner_forget(&client);
	owner_forget(&server);

	owner_pair(&server, &client);
	server.on_drained = close_it;
	char *bytes = pattern(BIG);
	conn_write(server.conn, bytes, BIG);
	ok(RUN_UNTIL(client.ended == 1), "closed inside drained()");
	is_int(client.n, BIG, "after everything was written");
	free(bytes);
	owner_forget(&client);
	owner_forget(&server);
}

/* What a peer that half-closed sent can still be answered. */
static void
test_half_close(void)
{
	struct owner server;
	int fds[2];
	char got[16] = "";

	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	ok(write(fds[1], "</s>", 4) == 4 && shutdown(fds[1], SHUT_WR) == 0,
		"a peer speaks and closes its side");
	ok(RUN_UNTIL(server.ended == 1), "the end is told");
	is_text(server.got, "</s>", "after the input");
	conn_write(server.conn, "bye", 3);
	conn_close_later(&server.conn, 1000);
	help_turns(2);
	ok(read(fds[1], got, sizeof(got)) == 3 && strcmp(got, "bye") == 0,
		"it can still be answered");
	ok(read(fds[1], got, sizeof(got)) == 0, "then it is closed");
	close(fds[1]);
	owner_forget(&server);
}

/* A flooding peer must be able to read why it was closed. */
static void
test_last_words(void)
{
	struct owner server;
	int fds[2];
	char *bytes = pattern(200000), got[64] = "";
	ssize_t n;

	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	conn_pause(server.conn);
	ok(write(fds[1], bytes, 200000) > 0, "the peer floods");
	conn_write(server.conn, "<policy-violation/>", 19);
	conn_close_later(&server.conn, 5000);
	ok(server.conn == NULL, "the owner has let go");
	help_turns(10);
	ok(write(fds[1], bytes, 1000) == 1000, "and floods on");
	help_turns(10);
	n = read(fds[1], got, sizeof(got) - 1);
	is_int(n, 19, "our last words reach it");
	is_text(got, "<policy-violation/>", "whole");
	ok(read(fds[1], got, 1) == 0, "then the end, not a reset");
	close(fds[1]);
	help_turns(5);
	is_int(server.inputs + server.ended, 0, "the owner hears nothing more");

	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	conn_close_later(&server.conn, 0);
	help_turns(3);
	errno = 0;
	ok(read(fds[1], got, 1) == 0, "a peer that does not close is closed after the time");
	(void)!write(fds[1], "x", 1);
	ok(write(fds[1], "x", 1) < 0 && errno == EPIPE, "for good");
	close(fds[1]);
	free(bytes);
}

static void
test_reset(void)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	struct owner server;
	int fds[2];

	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fds[1]);
	ok(RUN_UNTIL(server.ended == 1), "a reset is told");
	is_int(server.end, CONN_RESET, "as such");
	is_text(conn_error(server.conn), "the connection broke: Connection reset by peer",
		"with a sentence");
	conn_write(server.conn, "x", 1);
	is_int(conn_waiting(server.conn), 0, "writing to it does nothing");
	owner_forget(&server);

	/* Noticed by writing: told later, not inside conn_write(). */
	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	conn_pause(server.conn);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fds[1]);
	conn_write(server.conn, "x", 1);
	is_int(server.ended, 0, "a failed write does not call back at once");
	conn_resume(server.conn);
	ok(RUN_UNTIL(server.ended == 1), "but soon, when it may read");
	owner_forget(&server);

	/* A peer that sends, and goes without reading what we sent. */
	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	conn_write(server.conn, "unread", 6);
	conn_pause(server.conn);
	ok(write(fds[1], "last", 4) == 4, "a peer speaks");
	close(fds[1]);
	conn_write(server.conn, "x", 1);
	conn_write(server.conn, "y", 1);
	ok(conn_waiting(server.conn) > 0, "and is gone: what was written does not count as with "
		"the kernel");
	conn_resume(server.conn);
	ok(RUN_UNTIL(server.ended == 1), "the end is told");
	is_text(server.got, "last", "after its last words were read");
	owner_forget(&server);
}

static void nothing(struct letter *l) { (void)l; }

static void
test_choked(void)
{
	static struct letter heavy = { .open = nothing, .weight = 1 << 20 };
	struct owner server, client;

	owner_pair(&server, &client);
	mailbox_high(1000);
	mailbox_post(1, &heavy);
	conn_write(client.conn, "x", 1);
	help_turns(20);
	is_int(server.inputs, 0, "a choked shard does not read");
	conn_write(server.conn, "y", 1);
	loop_become(1);
	loop_turn();
	loop_become(0);
	ok(RUN_UNTIL(server.inputs == 1 && client.inputs == 1),
		"and reads again when its letters were taken");
	mailbox_high((size_t)8 << 20);
	owner_forget(&server);
	owner_forget(&client);
}

static struct conn *moved;

static void
detach_it(struct owner *o)
{
	conn_detach(o->conn);
	moved = o->conn;
	o->conn = NULL;
}

static void
test_move(void)
{
	struct owner server, client, home = { 0 };
	char *bytes = pattern(BIG);

	owner_pair(&server, &client);
	server.on_input = detach_it;
	conn_write(client.conn, bytes, 50000);
	ok(RUN_UNTIL(moved != NULL), "sent away inside input()");
	help_turns(10);
	is_int(server.inputs, 1, "the old shard reads no more");
	conn_write(moved, bytes, BIG);
	loop_become(1);
	home.conn = moved;
	conn_attach(moved, &owner_ops, &home);
	for (int i = 0; i < 2000 && (client.n < BIG || server.n + home.n < 50000); i++) {
		loop_become(i % 2);
		loop_turn();
	}
	is_int(server.n + home.n, 50000, "the new shard reads the rest");
	ok(client.n == BIG && is_pattern(client.got, BIG), "and writes what waited");
	is_int(home.drained, 1, "and its owner is told");
	loop_become(1);
	conn_detach(home.conn);
	loop_become(0);
	conn_close(&home.conn);
	ok(RUN_UNTIL(client.ended == 1), "closed while between shards");
	free(bytes);
	free(home.got);
	owner_forget(&server);
	owner_forget(&client);
}

int
main(void)
{
	loop_setup(2);
	loop_become(0);
	test_bytes();
	test_peer();
	test_slow_reader();
	test_share_of_a_turn();
	test_close_inside();
	test_half_close();
	test_last_words();
	test_reset();
	test_choked();
	test_move();
	help_turns(2);
	loop_teardown();
	return done_testing();
}
