/* SPDX-License-Identifier: MIT */
/* tls on connections: handshakes, hosts by SNI, ALPN, resumption over a reload, channel
 * bindings, client certificates, failures. */
#include "config.h"

#include <openssl/err.h>
#include "net/tls_inside.h"
#include "test_net_help.h"

static char *dir;
static struct tls_ctx *server_ctx, *client_ctx;
static const char *const hosts[] = { "first.example", "second.example", "bücher.example", NULL };

/* A client that is plain OpenSSL, so that it can be told to behave in other ways than ours. */
struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	SSL_SESSION *session;
};

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct raw *raw = SSL_get_app_data(ssl);

	SSL_SESSION_free(raw->session);
	raw->session = session;
	return 1;
}

static void
raw_open(struct raw *raw, int fd)
{
	SSL_SESSION *session = raw->session;
	SSL_CTX *ctx = raw->ctx;

	*raw = (struct raw){ .ctx = ctx, .session = session, .fd = fd };
	if (raw->ctx == NULL)
		raw->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(raw->ctx, SSL_SESS_CACHE_CLIENT |
		SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(raw->ctx, keep_session);
	raw->ssl = SSL_new(raw->ctx);
	SSL_set_app_data(raw->ssl, raw);
	SSL_set_fd(raw->ssl, fd);
	SSL_set_connect_state(raw->ssl);
	if (raw->session != NULL)
		SSL_set_session(raw->ssl, raw->session);
}

static void
raw_close(struct raw *raw)
{
	SSL_shutdown(raw->ssl);
	SSL_free(raw->ssl);
	raw->ssl = NULL;
	close(raw->fd);
}

static void
raw_forget(struct raw *raw)
{
	SSL_SESSION_free(raw->session);
	SSL_CTX_free(raw->ctx);
	*raw = (struct raw){ 0 };
}

/* A server connection whose handshake was begun, and a raw client towards it. */
static void
raw_pair(struct owner *server, struct raw *raw)
{
	int fds[2];

	help_pair(&fds[0], &fds[1]);
	owner_open(server, fds[0]);
	conn_start_tls_server(server->conn, server_ctx);
	raw_open(raw, fds[1]);
}

static bool
raw_shake(struct owner *server, struct raw *raw)
{
	char byte;

	ERR_clear_error();
	return RUN_UNTIL((SSL_do_handshake(raw->ssl) == 1 && server->secured) || server->ended) &&
		server->secured &&
		/* Takes in the ticket. */
		(help_turns(3), SSL_read(raw->ssl, &byte, 1) <= 0);
}

/* Both ends ours. */
static bool
shaken_pair(struct owner *server, struct owner *client, const char *sni, const char *alpn)
{
	owner_pair(server, client);
	conn_start_tls_server(server->conn, server_ctx);
	conn_start_tls_client(client->conn, client_ctx, sni, alpn);
	return RUN_UNTIL((server->secured && client->secured) ||
		(server->ended && client->ended)) && server->secured;
}

static bool
serves(const struct owner *client, const char *host)
{
	return tls_cert_matches(conn_peer_cert(client->conn), host);
}

static void
test_handshake(void)
{
	struct owner server, client;

	ok(shaken_pair(&server, &client, "second.example", "xmpp-client"), "a handshake");
	ok(conn_is_tls(server.conn), "done");
	is_text(conn_tls_version(server.conn), "TLSv1.3", "version");
	is_text(conn_tls_cipher(server.conn), "TLS_AES_128_GCM_SHA256", "cipher");
	is_text(conn_sni(server.conn), "second.example", "SNI");
	is_text(conn_alpn(server.conn), "xmpp-client", "ALPN");
	is_text(conn_alpn(client.conn), "xmpp-client", "ALPN seen by the client");
	ok(!conn_tls_resumed(server.conn), "a full one");
	ok(conn_verify_result(client.conn) != X509_V_OK,
		"the client's verdict on a self-signed certificate is recorded");
	ok(serves(&client, "second.example"), "the certificate of the host asked for");
	conn_write(client.conn, "hello", 5);
	conn_write(server.conn, "welcome", 7);
	ok(RUN_UNTIL(server.n == 5 && client.n == 7), "bytes both ways");
	is_text(server.got, "hello", "the right ones");
	conn_close(&client.conn);
	ok(RUN_UNTIL(server.ended), "close_notify ends it");
	is_int(server.end, CONN_EOF, "in order");
	owner_forget(&server);
	owner_forget(&client);
}

static void
test_sni(void)
{
	static const struct { const char *sni, *serves, *what; } cases[] = {
		{ "first.example", "first.example", "the first host" },
		{ "SECOND.Example", "second.example", "another spelling" },
		{ "conference.second.example", "x.second.example", "a name under a wildcard" },
		{ "a.b.second.example", "first.example", "a wildcard is one label" },
		{ "nowhere.example", "first.example", "an unknown name gets the first host" },
		{ NULL, "first.example", "so does no name" },
		{ "xn--bcher-kva.example", "bücher.example", "an internationalised host" },
	};
	struct owner server, client;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		ok(shaken_pair(&server, &client, cases[i].sni, NULL) &&
			serves(&client, cases[i].serves), "SNI: %s", cases[i].what);
		owner_forget(&server);
		owner_forget(&client);
	}
	owner_pair(&server, &client);
	conn_start_tls_server_for(server.conn, server_ctx, "second.example");
	conn_start_tls_client(client.conn, client_ctx, NULL, NULL);
	ok(RUN_UNTIL(client.secured) && serves(&client, "second.example"),
		"no SNI, but the stream said its host");
	owner_forget(&server);
	owner_forget(&client);
}

static void
start_tls(struct owner *o)
{
	conn_start_tls_server(o->conn, server_ctx);
	conn_write(o->conn, "", 0);
}

static void
test_starttls_and_alpn(void)
{
	struct owner server, client;

	ok(!shaken_pair(&server, &client, "first.example", "h2"),
		"direct TLS with another protocol is refused");
	is_int(client.end, CONN_TLS_FAILED, "by an alert");
	is_text(conn_error(client.conn), "TLS failed: tlsv1 alert no application protocol",
		"the right one");
	owner_forget(&server);
	owner_forget(&client);

	owner_pair(&server, &client);
	server.on_input = start_tls;
	conn_write(client.conn, "<starttls/>", 11);
	RUN_UNTIL(server.n == 11);
	conn_start_tls_client(client.conn, client_ctx, "first.example", "h2");
	ok(RUN_UNTIL(server.secured && client.secured),
		"after STARTTLS another protocol does not matter");
	ok(conn_alpn(server.conn) == NULL, "and none is agreed");
	owner_forget(&server);
	owner_forget(&client);
}

/* What is written before TLS and does not fit must leave in plain, before the handshake. */
static void
test_plain_first(void)
{
	struct owner server, client;
	size_t big = 2 << 20;
	char *bytes = calloc(1, big);

	owner_pair(&server, &client);
	conn_write(server.conn, bytes, big);
	ok(conn_waiting(server.conn) > 0, "plain bytes wait");
	conn_start_tls_server(server.conn, server_ctx);
	conn_write(server.conn, "secret", 6);
	ok(RUN_UNTIL(client.n == big), "they leave in plain");
	is_int(server.drained, 0, "the last of them have not left");
	conn_start_tls_client(client.conn, client_ctx, NULL, NULL);
	ok(RUN_UNTIL(client.n == big + 6), "what was written after starting TLS follows when "
		"it is there");
	is_text(client.got + big, "secret", "decrypted");
	is_int(server.drained, 1, "drained");
	free(bytes);
	owner_forget(&server);
	owner_forget(&client);
}

static void
test_bulk(void)
{
	struct owner server, client;
	size_t big = 2 << 20;
	char *bytes = malloc(big);

	memset(bytes, 'x', big);
	shaken_pair(&server, &client, NULL, NULL);
	conn_pause(client.conn);
	conn_write(server.conn, bytes, big);
	help_turns(20);
	ok(conn_waiting(server.conn) > 0, "a slow reader makes it wait");
	conn_write(server.conn, "end", 3);
	conn_resume(client.conn);
	ok(RUN_UNTIL(client.n == big + 3), "all arrives after resuming");
	ok(memcmp(client.got, bytes, big) == 0 && strcmp(client.got + big, "end") == 0, "in order");
	ok(client.largest <= 16384, "at most 16 KiB a turn");
	is_int(server.drained, 1, "drained");

	/* Many small records in one go come in few inputs. */
	client.inputs = 0;
	client.n = 0;
	conn_pause(client.conn);
	for (int i = 0; i < 100; i++)
		conn_write(server.conn, "0123456789", 10);
	help_turns(10);
	conn_resume(client.conn);
	ok(RUN_UNTIL(client.n == 1000), "100 records of 10 bytes arrive");
	ok(client.inputs <= 3, "in %d inputs", client.inputs);
	free(bytes);
	owner_forget(&server);
	owner_forget(&client);
}

static void pause_it(struct owner *o) { conn_pause(o->conn); }

/* OpenSSL holds what the kernel will not report again. */
static void
test_pause_with_pending(void)
{
	struct owner server;
	struct raw raw = { 0 };
	char bytes[40000];

	memset(bytes, 'y', sizeof(bytes));
	raw_pair(&server, &raw);
	ok(raw_shake(&server, &raw), "shaken");
	server.on_input = pause_it;
	for (size_t i = 0; i < sizeof(bytes); i += 10000)
		SSL_write(raw.ssl, bytes + i, 10000);
	ok(RUN_UNTIL(server.inputs == 1), "paused inside input()");
	help_turns(10);
	is_int(server.inputs, 1, "nothing more while paused");
	for (int i = 2; i < 10 && server.n < sizeof(bytes); i++) {
		conn_resume(server.conn);
		if (!RUN_UNTIL(server.inputs == i))
			break;
	}
	is_int(server.n, sizeof(bytes), "everything arrives over several resumptions");
	raw_close(&raw);
	owner_forget(&server);
	raw_forget(&raw);
}

static void
test_bindings(void)
{
	unsigned char one[64], other[64], want[64];
	struct owner server, client;
	struct raw raw = { 0 };

	shaken_pair(&server, &client, "second.example", NULL);
	is_int(conn_cb_exporter(server.conn, one), 32, "tls-exporter on TLS 1.3");
	is_int(conn_cb_exporter(client.conn, other), 32, "and on the other side");
	ok(memcmp(one, other, 32) == 0, "the same");
	is_int(conn_cb_server_end_point(server.conn, one), 32, "tls-server-end-point");
	is_int(conn_cb_server_end_point(client.conn, other), 32, "on the other side");
	ok(memcmp(one, other, 32) == 0, "the same");
	X509_digest(conn_peer_cert(client.conn), EVP_sha256(), want, NULL);
	ok(memcmp(one, want, 32) == 0, "the hash of the certificate");
	is_int(conn_cb_unique(server.conn, one), 0, "never tls-unique on TLS 1.3");
	owner_forget(&server);
	owner_forget(&client);

	/* TLS 1.2 with the extended master secret; then resumed; then without it. */
	raw.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(raw.ctx, TLS1_2_VERSION);
	for (int resumed = 0; resumed < 2; resumed++) {
		const char *how = resumed ? "resumed" : "full";

		raw_pair(&server, &raw);
		ok(raw_shake(&server, &raw), "TLS 1.2, %s", how);
		is_text(conn_tls_version(server.conn), "TLSv1.2", "it is");
		is_int(conn_tls_resumed(server.conn), resumed, "it is %s", how);
		is_int(conn_cb_exporter(server.conn, one), 32, "tls-exporter, %s", how);
		SSL_export_keying_material(raw.ssl, other, 32, "EXPORTER-Channel-Binding", 24,
			(const unsigned char *)"", 0, 1);
		ok(memcmp(one, other, 32) == 0, "with the empty context");
		is_int(conn_cb_unique(server.conn, one), 12, "tls-unique, %s", how);
		is_int(resumed ? SSL_get_peer_finished(raw.ssl, other,
			64) : SSL_get_finished(raw.ssl, other, 64), 12, "the first Finished");
		ok(memcmp(one, other, 12) == 0, "the same");
		is_int(conn_cb_server_end_point(server.conn, one), 32, "tls-server-end-point, %s",
			how);
		raw_close(&raw);
		owner_forget(&server);
	}
	raw_forget(&raw);
	raw.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(raw.ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(raw.ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	raw_pair(&server, &raw);
	ok(raw_shake(&server, &raw), "TLS 1.2 without the extended master secret");
	is_int(conn_cb_exporter(server.conn, one), 0, "has no tls-exporter");
	is_int(conn_cb_unique(server.conn, one), 0, "and no tls-unique");
	is_int(SSL_renegotiate(raw.ssl) == 1 && SSL_do_handshake(raw.ssl) == 1 &&
		RUN_UNTIL(server.ended), 0, "renegotiation is refused");
	raw_close(&raw);
	owner_forget(&server);
	raw_forget(&raw);
}

static void
reload(void)
{
	struct tls_conf conf = { .cert_dir = dir, .hosts = hosts };
	struct tls_ctx *old = server_ctx;
	char error[256];

	server_ctx = tls_load(&conf, TLS_C2S, old, error, sizeof(error));
	tls_unref(&old);
}

/* A server that comes again shows its certificate again. */
static void
test_no_tickets_for_servers(void)
{
	struct tls_conf conf = { .cert_dir = dir, .hosts = hosts };
	struct tls_ctx *for_clients = server_ctx;
	struct owner server;
	struct raw raw = { 0 };
	char error[256];

	server_ctx = tls_load(&conf, TLS_S2S_IN, NULL, error, sizeof(error));
	raw_pair(&server, &raw);
	ok(raw_shake(&server, &raw), "a handshake with a server");
	ok(raw.session == NULL, "which gives no ticket");
	raw_close(&raw);
	owner_forget(&server);
	raw_forget(&raw);
	tls_unref(&server_ctx);
	server_ctx = for_clients;
}

static void
test_resumption(void)
{
	struct owner server;
	struct raw raw = { 0 };
	unsigned char hash[64];

	for (int i = 0; i < 3; i++) {
		raw_pair(&server, &raw);
		SSL_set_tlsext_host_name(raw.ssl, "second.example");
		ok(raw_shake(&server, &raw), "TLS 1.3, connection %d", i + 1);
		is_int(conn_tls_resumed(server.conn), i > 0, i == 0 ? "full" : i == 1 ? "resumed"
			: "resumed over a reload");
		is_int(conn_cb_server_end_point(server.conn, hash), 32, "our certificate is known");
		is_text(conn_sni(server.conn), "second.example", "SNI is known");
		raw_close(&raw);
		owner_forget(&server);
		if (i == 1)
			reload();
	}
	raw_forget(&raw);
}

static void
test_client_certificate(void)
{
	struct tls_conf conf = { .cert_dir = dir, .hosts = hosts, .ask_client_cert = true };
	struct owner server, client;
	struct tls_ctx *plain = server_ctx;
	char error[256], ca[128];

	snprintf(ca, sizeof(ca), "%s/second.example.crt", dir);
	conf.ca_file = ca;
	server_ctx = tls_load(&conf, TLS_S2S_IN, NULL, error, sizeof(error));
	ok(shaken_pair(&server, &client, NULL, NULL),
		"asked for a certificate, the client has none");
	ok(conn_peer_cert(server.conn) == NULL, "none seen");
	owner_forget(&server);
	owner_forget(&client);

	for (int trusted = 0; trusted < 2; trusted++) {
		const char *local = trusted ? "second.example" : "first.example";

		owner_pair(&server, &client);
		conn_start_tls_server(server.conn, server_ctx);
		conn_start_tls_client_as(client.conn, client_ctx, local, NULL, NULL);
		ok(RUN_UNTIL(server.secured && client.secured), "a client that has one");
		ok(tls_cert_matches(conn_peer_cert(server.conn), local), "it is seen");
		ok((conn_verify_result(server.conn) == X509_V_OK) == trusted,
			trusted ? "and trusted" : "an untrusted one is recorded as such");
		owner_forget(&server);
		owner_forget(&client);
	}
	tls_unref(&server_ctx);
	server_ctx = plain;
}

static void
test_failures(void)
{
	struct owner server;
	struct raw raw = { 0 };
	int fds[2];

	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	conn_start_tls_server(server.conn, server_ctx);
	ok(write(fds[1], "<stream:stream>", 15) == 15, "a client that does not speak TLS");
	ok(RUN_UNTIL(server.ended), "is told apart");
	is_int(server.end, CONN_TLS_FAILED, "as a TLS failure");
	is_text(conn_error(server.conn), "TLS failed: wrong version number", "with a sentence");
	owner_forget(&server);
	close(fds[1]);

	help_pair(&fds[0], &fds[1]);
	owner_open(&server, fds[0]);
	conn_start_tls_server(server.conn, server_ctx);
	help_turns(2);
	close(fds[1]);
	ok(RUN_UNTIL(server.ended), "a client that leaves in the handshake");
	ok(server.end != CONN_EOF, "has not closed in order");
	owner_forget(&server);

	raw.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(raw.ctx, 0);
	SSL_CTX_set_min_proto_version(raw.ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(raw.ctx, TLS1_1_VERSION);
	raw_pair(&server, &raw);
	ok(!raw_shake(&server, &raw) && server.end == CONN_TLS_FAILED, "TLS 1.1 is refused");
	raw_close(&raw);
	owner_forget(&server);
	raw_forget(&raw);

	raw_pair(&server, &raw);
	ok(raw_shake(&server, &raw), "a good one");
	ok(write(raw.fd, "\x17\x03\x03\0\x20garbage garbage garbage garbage!", 37) == 37,
		"that sends a forged record");
	ok(RUN_UNTIL(server.ended) && server.end == CONN_TLS_FAILED, "is ended");
	raw_close(&raw);
	owner_forget(&server);

	/* Gone without close_notify: XMPP has its own end, so this is no attack. */
	raw_pair(&server, &raw);
	ok(raw_shake(&server, &raw), "another");
	close(raw.fd);
	ok(RUN_UNTIL(server.ended) && server.end == CONN_EOF, "that closes without close_notify");
	SSL_free(raw.ssl);
	owner_forget(&server);

	/* Closed while the handshake is under way; and the context goes before its connections. */
	raw_pair(&server, &raw);
	SSL_do_handshake(raw.ssl);
	loop_turn();
	conn_close_later(&server.conn, 1000);
	raw_close(&raw);
	owner_forget(&server);
	raw_forget(&raw);
}

/* A login storm: handshakes that all wait for each other. Afterwards nothing big is left of
 * them. */
static void
test_storm(void)
{
	static struct owner servers[100], clients[100];
	int secured = 0, most = 0, before = tls_mem_blocks();

	for (int i = 0; i < 100; i++) {
		owner_pair(&servers[i], &clients[i]);
		conn_start_tls_server(servers[i].conn, server_ctx);
		conn_start_tls_client(clients[i].conn, client_ctx, "second.example", NULL);
	}
	for (int turns = 0; turns < 20000 && secured < 200; turns++) {
		loop_turn();
		secured = 0;
		if (tls_mem_blocks() > most)
			most = tls_mem_blocks();
		for (int i = 0; i < 100; i++)
			secured += servers[i].secured + clients[i].secured;
	}
	is_int(secured, 200, "a hundred handshakes at once");
	help_turns(20);
	/* An OpenSSL client keeps one after it was given a ticket. */
	ok(tls_mem_blocks() <= before + 64 + 100, "of up to %d big buffers %d are left, before %d",
		most, tls_mem_blocks(), before);
	for (int i = 0; i < 100; i++)
		owner_forget(&clients[i]);
	ok(tls_mem_blocks() <= before + 64, "%d when the clients have gone: none with a server's "
		"connection", tls_mem_blocks());
	for (int i = 0; i < 100; i++)
		owner_forget(&servers[i]);
}

static void
test_context_goes_first(void)
{
	struct owner server;
	struct raw raw = { 0 };
	struct tls_ctx *last;

	raw_pair(&server, &raw);
	SSL_set_tlsext_host_name(raw.ssl, "second.example");
	last = tls_ref(server_ctx);
	tls_unref(&server_ctx);
	tls_unref(&last);
	ok(raw_shake(&server, &raw), "a handshake whose context was let go");
	conn_write(server.conn, "bye", 3);
	conn_close_later(&server.conn, 1000);
	help_turns(3);
	char got[8] = "";
	ok(SSL_read(raw.ssl, got, sizeof(got)) == 3 && strcmp(got, "bye") == 0, "last words");
	ok(SSL_read(raw.ssl, got, sizeof(got)) == 0 && SSL_get_error(raw.ssl,
		0) == SSL_ERROR_ZERO_RETURN, "and close_notify");
	raw_close(&raw);
	help_turns(3);
	owner_forget(&server);
	raw_forget(&raw);
}

int
main(void)
{
	struct tls_conf conf, client_conf;
	char error[256] = "";

	loop_setup(2);
	loop_become(0);
	dir = help_dir();
	help_write_cert(dir, "first.example.crt", "first.example.key",
		(struct cert_wish){ "DNS:first.example", EVP_PKEY_RSA, 0, NULL });
	help_write_cert(dir, "second.example.crt", "second.example.key",
		(struct cert_wish){ "DNS:second.example, DNS:*.second.example", 0, 0, NULL });
	help_write_cert(dir, "bücher.example.pem", "bücher.example.pem",
		(struct cert_wish){ "DNS:xn--bcher-kva.example", 0, 0, NULL });
	conf = (struct tls_conf){ .cert_dir = dir, .hosts = hosts };
	client_conf = conf;
	server_ctx = tls_load(&conf, TLS_C2S, NULL, error, sizeof(error));
	client_ctx = tls_load(&client_conf, TLS_S2S_OUT, NULL, error, sizeof(error));
	ok(server_ctx != NULL && client_ctx != NULL, "contexts%s%s", *error ? ": " : "", error);
	test_handshake();
	test_sni();
	test_starttls_and_alpn();
	test_plain_first();
	test_bulk();
	test_pause_with_pending();
	test_bindings();
	test_resumption();
	test_no_tickets_for_servers();
	test_client_certificate();
	test_failures();
	test_storm();
	test_context_goes_first();
	tls_unref(&client_ctx);
	help_turns(2);
	loop_teardown();
	help_remove_dir(dir);
	return done_testing();
}
