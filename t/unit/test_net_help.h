/* SPDX-License-Identifier: MIT */
/* test_net_help: loopback sockets, recording owners of connections, and self-made certificates
 * for the tests of src/net. */
#ifndef TEST_NET_HELP_H
#define TEST_NET_HELP_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "net/conn.h"
#include "net/loop.h"
#include "tap.h"

static inline double
help_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs turns of this thread's shard until the condition holds, at most ten seconds. */
#define RUN_UNTIL(cond) \
	({ \
		double end_ = help_now() + 10; \
		while (!(cond) && help_now() < end_) \
			loop_turn(); \
		(cond); \
	})

static inline void
help_turns(int n)
{
	while (n-- > 0)
		loop_turn();
}

static inline int
help_listen(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*at);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *)at, len) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)at, &len) != 0)
		abort();
	return fd;
}

/* Two ends of a loopback TCP connection, both non-blocking. */
static inline void
help_pair(int *server, int *client)
{
	struct sockaddr_in at;
	int listener = help_listen(&at), small = 65536;

	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(*client, (struct sockaddr *)&at, sizeof(at)) != 0)
		abort();
	*server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	fcntl(*client, F_SETFL, O_NONBLOCK);
	/* Else the kernel takes megabytes on loopback and nothing ever waits. */
	setsockopt(*server, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	close(listener);
}

/* An owner that writes down what it is told. */
struct owner {
	struct conn *conn;
	char *got;
	size_t n, room;
	size_t largest;                 /* input() */
	int inputs, drained, secured, ended;
	enum conn_end end;
	void (*on_input)(struct owner *);       /* after the bytes were kept */
	void (*on_secured)(struct owner *);
	void (*on_drained)(struct owner *);
	void *arg;
};

static inline void
owner_input(void *arg, const char *bytes, size_t n)
{
	struct owner *o = arg;

	if (o->n + n + 1 > o->room) {
		o->room = 2 * (o->n + n + 1);
		o->got = realloc(o->got, o->room);
	}
	memcpy(o->got + o->n, bytes, n);
	o->n += n;
	o->got[o->n] = '\0';
	o->inputs++;
	if (n > o->largest)
		o->largest = n;
	if (o->on_input != NULL)
		o->on_input(o);
}

static inline void
owner_drained(void *arg)
{
	struct owner *o = arg;

	o->drained++;
	if (o->on_drained != NULL)
		o->on_drained(o);
}

static inline void
owner_secured(void *arg)
{
	struct owner *o = arg;

	o->secured++;
	if (o->on_secured != NULL)
		o->on_secured(o);
}

static inline void
owner_ended(void *arg, enum conn_end end)
{
	struct owner *o = arg;

	o->ended++;
	o->end = end;
}

static const struct conn_ops owner_ops = { owner_input, owner_drained, owner_secured, owner_ended };

static inline struct conn *
owner_open(struct owner *o, int fd)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(5678),
		.sin_addr.s_addr = htonl(0xc0000201) };

	*o = (struct owner){ 0 };
	o->conn = conn_new(fd, (struct sockaddr *)&peer, sizeof(peer), &owner_ops, o);
	return o->conn;
}

static inline void
owner_forget(struct owner *o)
{
	conn_close(&o->conn);
	free(o->got);
	o->got = NULL;
	o->n = o->room = 0;
}

/* A pair of owners on one shard, server and client. */
static inline void
owner_pair(struct owner *server, struct owner *client)
{
	int fds[2];

	help_pair(&fds[0], &fds[1]);
	owner_open(server, fds[0]);
	owner_open(client, fds[1]);
}

/* Certificates */

struct cert_wish {
	const char *names;              /* "DNS:a.example, DNS:*.b.example"; NULL: none */
	int type;                       /* EVP_PKEY_EC (default), EVP_PKEY_RSA, EVP_PKEY_ED25519 */
	int days;                       /* 0: 30 */
	const EVP_MD *md;               /* NULL: SHA-256 */
};

static inline EVP_PKEY *
help_key(int type)
{
	switch (type) {
	case EVP_PKEY_RSA:
		return EVP_RSA_gen(2048);
	case EVP_PKEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return EVP_EC_gen("P-256");
	}
}

static inline X509 *
help_cert(const struct cert_wish *wish, EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	bool ed = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)(help_now() * 1e6) & 0x7fffffff);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * (wish->days == 0 ? 30 : wish->days));
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test",
		-1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	if (wish->names != NULL) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
			wish->names);

		X509_add_ext(cert, ext, -1);
		X509_EXTENSION_free(ext);
	}
	X509_sign(cert, key, ed ? NULL : wish->md == NULL ? EVP_sha256() : wish->md);
	return cert;
}

/* Both may name the same file. */
static inline void
help_write_cert(const char *dir, const char *cert_name, const char *key_name, struct cert_wish wish)
{
	EVP_PKEY *key = help_key(wish.type);
	X509 *cert = help_cert(&wish, key);
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, cert_name);
	f = fopen(path, "w");
	PEM_write_X509(f, cert);
	if (strcmp(cert_name, key_name) != 0) {
		fclose(f);
		snprintf(path, sizeof(path), "%s/%s", dir, key_name);
		f = fopen(path, "w");
	}
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static inline void
help_write(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static inline char *
help_dir(void)
{
	static char dir[64];

	strcpy(dir, "/tmp/test_net.XXXXXX");
	if (mkdtemp(dir) == NULL)
		abort();
	return dir;
}

static inline void
help_remove_dir(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command) != 0)
		abort();
}

#endif
