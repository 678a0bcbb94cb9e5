/* SPDX-License-Identifier: MIT */
/*
 * Connections that move between shards on real threads, with TLS data that the client pipelined
 * behind what made them move, and with plain ones. To be run with ThreadSanitizer too.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include "net/tls.h"
#include "test_net_help.h"

#define SHARDS 3
#define CLIENTS 60
#define ROUNDS 5                /* moves of each connection */
#define BURST 20000             /* bytes a client sends at once, in small records */

static struct tls_ctx *ctx;
static struct sockaddr_in address;
static int listener;
static atomic_int finished;

/* Echoes, and goes to the next shard after each input while it has moves left. */
struct traveller {
	struct letter letter;
	struct conn *conn;
	int moves;
	bool plain;
};

static void traveller_input(void *, const char *, size_t);
static void traveller_ended(void *, enum conn_end);
static void traveller_secured(void *owner) { (void)owner; }
static const struct conn_ops traveller_ops = { traveller_input, NULL, traveller_secured,
	traveller_ended };

static void
arrive(struct letter *letter)
{
	struct traveller *t = container_of(letter, struct traveller, letter);

	conn_attach(t->conn, &traveller_ops, t);
}

static void
traveller_input(void *owner, const char *bytes, size_t n)
{
	struct traveller *t = owner;

	conn_write(t->conn, bytes, n);
	if (t->moves-- <= 0)
		return;
	conn_detach(t->conn);
	t->letter.open = arrive;
	t->letter.weight = sizeof(*t) + conn_weight(t->conn);
	mailbox_post((loop_id() + 1) % SHARDS, &t->letter);
}

static void
traveller_ended(void *owner, enum conn_end end)
{
	struct traveller *t = owner;

	(void)end;
	conn_close(&t->conn);
	free(t);
	if (atomic_fetch_add(&finished, 1) + 1 == CLIENTS)
		for (int i = 0; i < SHARDS; i++)
			loop_stop(i);
}

static void
accept_all(evutil_socket_t fd, short what, void *arg)
{
	int got;

	(void)what, (void)arg;
	while ((got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		static int count;
		struct traveller *t = calloc(1, sizeof(*t));

		t->moves = ROUNDS;
		t->plain = count++ % 3 == 2;
		t->conn = conn_new(got, (struct sockaddr *)&address, sizeof(address),
			&traveller_ops, t);
		if (!t->plain)
			conn_start_tls_server(t->conn, ctx);
	}
}

static struct event *accept_event;

static void
start(void *arg)
{
	(void)arg;
	if (loop_id() != 0)
		return;
	accept_event = event_new(loop_base(0), listener, EV_READ | EV_PERSIST, accept_all, NULL);
	event_add(accept_event, NULL);
}

static void
finish(void *arg)
{
	(void)arg;
	if (loop_id() == 0)
		event_free(accept_event);
}

static void *
shard(void *arg)
{
	loop_run((int)(intptr_t)arg, start, finish, NULL);
	return NULL;
}

/* A client that writes its burst in small pieces without reading, then reads the echo. */
struct link_end {
	int fd;
	SSL *ssl;
};

static ssize_t
put(struct link_end *e, const char *bytes, size_t n)
{
	return e->ssl == NULL ? write(e->fd, bytes, n) : SSL_write(e->ssl, bytes, (int)n);
}

static ssize_t
get(struct link_end *e, char *bytes, size_t n)
{
	return e->ssl == NULL ? read(e->fd, bytes, n) : SSL_read(e->ssl, bytes, (int)n);
}

static bool
talk(struct link_end *e)
{
	static char sent[BURST];
	char got[BURST];
	size_t n = 0;

	for (size_t i = 0; i < BURST; i++)
		sent[i] = (char)(i * 13 + i / 250);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < BURST; i += 500)
			if (put(e, sent + i, 500) != 500)
				return false;
		for (n = 0; n < BURST;) {
			ssize_t more = get(e, got + n, BURST - n);

			if (more <= 0)
				return false;
			n += (size_t)more;
		}
		if (memcmp(sent, got, BURST) != 0)
			return false;
	}
	return true;
}

int
main(void)
{
	static const char *const hosts[] = { "a.example", NULL };
	char *dir = help_dir(), error[256] = "";
	struct tls_conf conf = { .cert_dir = dir, .hosts = hosts };
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	pthread_t threads[SHARDS];
	int good = 0;

	help_write_cert(dir, "a.example.crt", "a.example.key", (struct cert_wish){ "DNS:a.example",
		0, 0, NULL });
	ctx = tls_load(&conf, TLS_C2S, NULL, error, sizeof(error));
	listener = help_listen(&address);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	loop_setup(SHARDS);
	for (intptr_t i = 0; i < SHARDS; i++)
		pthread_create(&threads[i], NULL, shard, (void *)i);
	for (int i = 0; i < CLIENTS; i++) {
		struct link_end e = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

		if (connect(e.fd, (struct sockaddr *)&address, sizeof(address)) != 0)
			abort();
		if (i % 3 != 2) {
			e.ssl = SSL_new(client_ctx);
			SSL_set_fd(e.ssl, e.fd);
			if (SSL_connect(e.ssl) != 1)
				abort();
		}
		good += talk(&e);
		SSL_free(e.ssl);
		close(e.fd);
	}
	for (int i = 0; i < SHARDS; i++)
		pthread_join(threads[i], NULL);
	is_int(good, CLIENTS, "every byte came back in order to every client, over %d moves each",
		ROUNDS);
	is_int(atomic_load(&finished), CLIENTS, "every connection ended");
	loop_teardown();
	tls_unref(&ctx);
	SSL_CTX_free(client_ctx);
	close(listener);
	help_remove_dir(dir);
	return done_testing();
}
