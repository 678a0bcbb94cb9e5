/* SPDX-License-Identifier: MIT */
/* flow_peer: the far end of a socket on which a whole stream runs. Plain, so the configuration must
 * allow that: FLOW_PLAIN. */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/evp.h>
#include "base/arena.h"
#include "base/buf.h"
#include "core/entity.h"
#include "flow_inside.h"
#include "stream/stream.h"

struct peer {
	struct peer *next;
	struct flow *flow;
	int fd, server_fd;
	bool deaf, closed;
	struct buf got;
};

static void
accept_now(void *arg)
{
	struct peer *p = arg;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(5678),
		.sin_addr.s_addr = htonl(0xc0000201) };

	c2s_accepted(NULL, p->server_fd, (struct sockaddr *)&at, sizeof at);
}

struct peer *
connect_peer(struct flow *f, int shard)
{
	struct peer *p = calloc(1, sizeof *p);
	int fds[2], small = 16384;

	sc_assert(p != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fds) == 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	p->flow = f;
	p->fd = fds[0];
	p->server_fd = fds[1];
	p->next = f->peers;
	f->peers = p;
	on_shard(f, shard, accept_now, p);
	return p;
}

static void
read_all(struct peer *p)
{
	char bytes[65536];
	ssize_t n;

	while (!p->deaf && p->fd >= 0 && (n = read(p->fd, bytes, sizeof bytes)) >= 0) {
		if (n == 0) {
			p->closed = true;
			return;
		}
		buf_add(&p->got, bytes, (size_t)n);
	}
}

static void
send_all(struct peer *p, const char *bytes, va_list args)
{
	char *text = NULL;
	size_t n, done = 0;

	sc_assert(vasprintf(&text, bytes, args) >= 0);
	n = strlen(text);
	for (int tries = 0; done < n && p->fd >= 0 && tries < 10000; tries++) {
		ssize_t put = send(p->fd, text + done, n - done, MSG_NOSIGNAL);

		if (put > 0)
			done += (size_t)put;
		else
			run(p->flow);
		read_all(p);
	}
	free(text);
}

void
say_only(struct peer *p, const char *bytes, ...)
{
	va_list args;

	va_start(args, bytes);
	send_all(p, bytes, args);
	va_end(args);
}

void
say(struct peer *p, const char *bytes, ...)
{
	va_list args;

	va_start(args, bytes);
	send_all(p, bytes, args);
	va_end(args);
	run(p->flow);
	read_all(p);
}

const char *
heard(struct peer *p)
{
	p->deaf = false;
	run(p->flow);
	read_all(p);
	run(p->flow);
	read_all(p);
	buf_add(&p->got, "", 1);
	p->got.n--;
	return p->got.p;
}

void
unhear(struct peer *p)
{
	p->got.n = 0;
}

void
open_stream(struct peer *p, const char *to)
{
	say(p, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
		"xmlns:stream='http://etherx.jabber.org/streams' to='%s' "
		"version='1.0'>", to);
	heard(p);
}

void
say_plain(struct peer *p, const char *bare_jid)
{
	char plain[128], base64[256];
	int n = snprintf(plain, sizeof plain, "%c%.*s%csecret", 0, (int)strcspn(bare_jid, "@"),
		bare_jid, 0);

	EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)plain, n);
	say(p, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
		base64);
}

void
log_in(struct peer *p, const char *bare_jid)
{
	if (!flow_account_exists(bare_jid))
		account(p->flow, bare_jid);
	open_stream(p, strchr(bare_jid, '@') + 1);
	unhear(p);
	say_plain(p, bare_jid);
	if (strstr(heard(p), "<success") == NULL)
		flow_wrong("%s does not log in: %s", bare_jid, heard(p));
	unhear(p);
}

void
bind_peer(struct peer *p, const char *resource)
{
	open_stream(p, "here");
	unhear(p);
	say(p, "<iq type='set' id='bind'><bind "
		"xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>",
		resource);
	if (strstr(heard(p), "<jid>") == NULL)
		flow_wrong("%s is not bound: %s", resource, heard(p));
	unhear(p);
}

bool
is_closed(struct peer *p)
{
	heard(p);
	return p->closed;
}

void
stop_reading(struct peer *p)
{
	p->deaf = true;
}

void
cut(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

struct drop {
	const char *bare_jid, *resource;
};

static void
drop_now(void *arg)
{
	const struct drop *d = arg;
	struct sc_arena *arena = arena_new();
	struct sc_entity *e = entity_peek(sc_jid(arena, d->bare_jid));
	struct sc_session *s = e != NULL ? sc_session_by_resource(e, sc_span(d->resource)) : NULL;

	arena_free(arena);
	if (s != NULL && s->stream != NULL)
		s->ops->drop(s->stream);
	else
		flow_wrong("%s/%s has no stream", d->bare_jid, d->resource);
}

void
drop_peer(struct flow *f, const char *bare_jid, const char *resource)
{
	on_shard(f, shard_of(f, bare_jid), drop_now, &(struct drop){ bare_jid, resource });
	run(f);
}

void
flow_peers_free(struct flow *f)
{
	for (struct peer *p = f->peers; p != NULL; p = p->next)
		cut(p);
	run(f);
	pass_time(f, 6000);
	while (f->peers != NULL) {
		struct peer *p = f->peers;

		f->peers = p->next;
		buf_free(&p->got);
		free(p);
	}
}
