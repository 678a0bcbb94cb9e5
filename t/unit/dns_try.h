/* SPDX-License-Identifier: MIT */
/*
 * dns_try: a name server on loopback, UDP and TCP, on the loop of the test itself. It answers from
 * a table of texts, and misbehaves for the names that say so.
 */
#ifndef DNS_TRY_H
#define DNS_TRY_H

#include <event2/event.h>
#include "net/dns.h"
#include "test_net_help.h"

struct fake_rr {
	const char *name, *type;
	unsigned ttl;
	const char *data;       /* SRV: "priority weight port target"; TLSA: "3 1 1 hex" */
};

/* What the first label of a name can ask for: "silent", "garbage", "servfail", "refused", "cut",
 * "tc" (truncated, whole by TCP), "other" (an answer to another question), "loop" (pointers). */
static struct {
	const struct fake_rr *zone;
	unsigned negative_ttl;
	bool ad, deaf;                  /* deaf: reads nothing */
	int udp, tcp, port;
	int asked, asked_tcp, asked_ad;
	char last[300];
	struct event *udp_event, *tcp_event;
	char address[32];
} fake;

struct fake_out {
	unsigned char bytes[8192];
	size_t n;
};

static inline void
fake_put(struct fake_out *o, uint64_t value, int octets)
{
	while (octets-- > 0)
		o->bytes[o->n++] = octets < 8 ? (unsigned char)(value >> 8 * octets) : 0;
}

static inline void
fake_name(struct fake_out *o, const char *name)
{
	while (*name != '\0' && strcmp(name, ".") != 0) {
		size_t n = strcspn(name, ".");

		fake_put(o, (unsigned)n, 1);
		memcpy(o->bytes + o->n, name, n);
		o->n += n;
		name += n + (name[n] == '.');
	}
	fake_put(o, 0, 1);
}

static inline unsigned
fake_type(const char *type)
{
	return strcmp(type, "A") == 0 ? 1 : strcmp(type, "CNAME") == 0 ? 5 :
		strcmp(type, "AAAA") == 0 ? 28 : strcmp(type, "SRV") == 0 ? 33 : 52;
}

static inline void
fake_data(struct fake_out *o, const struct fake_rr *rr)
{
	unsigned a, b, c;
	char text[1200];

	switch (fake_type(rr->type)) {
	case 1:
		o->n += 4;
		inet_pton(AF_INET, rr->data, o->bytes + o->n - 4);
		break;
	case 28:
		o->n += 16;
		inet_pton(AF_INET6, rr->data, o->bytes + o->n - 16);
		break;
	case 33:
		sscanf(rr->data, "%u %u %u %1199s", &a, &b, &c, text);
		fake_put(o, a, 2);
		fake_put(o, b, 2);
		fake_put(o, c, 2);
		fake_name(o, text);
		break;
	case 52:
		sscanf(rr->data, "%u %u %u %1199s", &a, &b, &c, text);
		fake_put(o, a, 1);
		fake_put(o, b, 1);
		fake_put(o, c, 1);
		for (const char *hex = text; hex[0] != '\0' && sscanf(hex, "%2x",
			&a) == 1; hex += 2)
			fake_put(o, a, 1);
		break;
	default:
		fake_name(o, rr->data);
		break;
	}
}

static inline void
fake_record(struct fake_out *o, const struct fake_rr *rr)
{
	size_t at;

	fake_name(o, rr->name);
	fake_put(o, fake_type(rr->type), 2);
	fake_put(o, 1, 2);
	fake_put(o, rr->ttl, 4);
	at = o->n;
	fake_put(o, 0, 2);
	fake_data(o, rr);
	o->bytes[at] = (unsigned char)((o->n - at - 2) >> 8);
	o->bytes[at + 1] = (unsigned char)(o->n - at - 2);
}

static inline void
fake_soa(struct fake_out *o, unsigned ttl)
{
	fake_name(o, "example");
	fake_put(o, 6, 2);
	fake_put(o, 1, 2);
	fake_put(o, ttl, 4);
	fake_put(o, 2 + 20, 2);
	fake_name(o, ".");
	fake_name(o, ".");
	for (int i = 0; i < 4; i++)
		fake_put(o, 7, 4);
	fake_put(o, ttl, 4);
}

/* The records, aliases followed, and the counts. */
static inline void
fake_answer(struct fake_out *o, const char *name, unsigned type)
{
	int n = 0;
	bool known = false, more = true;

	for (int hops = 0; more && hops < 20; hops++) {
		more = false;
		for (const struct fake_rr *rr = fake.zone; rr != NULL && rr->name != NULL; rr++) {
			if (strcasecmp(rr->name, name) != 0)
				continue;
			known = true;
			if (fake_type(rr->type) != type && fake_type(rr->type) != 5)
				continue;
			fake_record(o, rr);
			n++;
			if (fake_type(rr->type) == 5 && type != 5) {
				name = rr->data;
				more = true;
				break;
			}
		}
	}
	o->bytes[7] = (unsigned char)n;
	if (n > 0)
		return;
	o->bytes[3] |= known ? 0 : 3;
	if (fake.negative_ttl > 0) {
		o->bytes[9] = 1;
		fake_soa(o, fake.negative_ttl);
	}
}

static inline bool
fake_is(const char *name, const char *label)
{
	return strncmp(name, label, strlen(label)) == 0 && name[strlen(label)] == '.';
}

/* False: say nothing. */
static inline bool
fake_reply(struct fake_out *o, const unsigned char *q, size_t n, bool tcp)
{
	char name[300] = "";
	size_t at = 12, length = 0;
	unsigned type;

	for (; at < n && q[at] != 0; at += 1U + q[at])
		length += (size_t)snprintf(name + length, sizeof(name) - length, "%s%.*s",
			length > 0 ? "." : "", q[at], (const char *)q + at + 1);
	type = (unsigned)(q[at + 1] << 8 | q[at + 2]);
	fake.asked++;
	fake.asked_tcp += tcp;
	fake.asked_ad += (q[3] & 0x20) != 0;
	snprintf(fake.last, sizeof(fake.last), "%s", name);
	o->n = 0;
	memcpy(o->bytes, q, at + 5);
	o->n = at + 5;
	o->bytes[2] = 0x81;
	o->bytes[3] = fake.ad ? 0xa0 : 0x80;
	memset(o->bytes + 6, 0, 6);
	if (fake_is(name, "silent"))
		return false;
	if (fake_is(name, "servfail"))
		o->bytes[3] |= 2;
	else if (fake_is(name, "refused"))
		o->bytes[3] |= 5;
	else if (fake_is(name, "tc") && !tcp)
		o->bytes[2] |= 2;
	else
		fake_answer(o, name, type);
	if (fake_is(name, "garbage"))
		for (size_t i = at + 5; i < at + 45; i++)
			o->bytes[o->n++] = (unsigned char)(i * 37);
	if (fake_is(name, "garbage"))
		o->bytes[7] = 9;
	if (fake_is(name, "cut"))
		o->n -= 2;
	if (fake_is(name, "other"))
		o->bytes[13] ^= 1;
	if (fake_is(name, "loop")) {
		o->bytes[7] = 1;
		fake_put(o, 0xc000 | (unsigned)o->n, 2);
		fake_put(o, 0, 10);
	}
	return true;
}

static inline void
fake_udp(evutil_socket_t fd, short what, void *arg)
{
	unsigned char q[2048];
	struct fake_out o;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len);

	(void)what, (void)arg;
	if (n > 12 && !fake.deaf && fake_reply(&o, q, (size_t)n, false))
		sendto(fd, o.bytes, o.n, 0, (struct sockaddr *)&from, len);
}

/* The client writes a question at once, when it is connected. */
static inline void
fake_tcp_question(evutil_socket_t c, short what, void *arg)
{
	unsigned char q[2048], length[2];
	struct fake_out o;
	ssize_t n = recv(c, length, 2, MSG_WAITALL);

	(void)what, (void)arg;
	n = n < 2 ? 0 : recv(c, q, (size_t)(length[0] << 8 | length[1]) % sizeof(q), MSG_WAITALL);
	if (n > 12 && fake_reply(&o, q, (size_t)n, true)) {
		length[0] = (unsigned char)(o.n >> 8);
		length[1] = (unsigned char)o.n;
		if (write(c, length, 2) != 2 || write(c, o.bytes, o.n) != (ssize_t)o.n)
			abort();
	}
	close(c);
}

static inline void
fake_tcp(evutil_socket_t fd, short what, void *arg)
{
	(void)what, (void)arg;
	event_base_once(loop_base(0), accept(fd, NULL, NULL), EV_READ, fake_tcp_question, NULL,
		NULL);
}

static inline void
fake_start(const struct fake_rr *zone)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	fake.zone = zone;
	fake.tcp = help_listen(&at);
	fake.port = ntohs(at.sin_port);
	fake.udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fake.udp, (struct sockaddr *)&at, len) != 0)
		abort();
	snprintf(fake.address, sizeof(fake.address), "127.0.0.1:%d", fake.port);
	fake.udp_event = event_new(loop_base(0), fake.udp, EV_READ | EV_PERSIST, fake_udp, NULL);
	fake.tcp_event = event_new(loop_base(0), fake.tcp, EV_READ | EV_PERSIST, fake_tcp, NULL);
	event_add(fake.udp_event, NULL);
	event_add(fake.tcp_event, NULL);
}

static inline void
fake_stop(void)
{
	event_free(fake.udp_event);
	event_free(fake.tcp_event);
	close(fake.udp);
	close(fake.tcp);
}

static inline bool
fake_use(bool trust_ad)
{
	const char *servers[] = { fake.address, NULL };
	struct dns_conf conf = { .servers = servers, .timeout = 100, .tries = 2, .cache = 100,
		.pending = 50, .ttl_max = 86400000, .negative_max = 900000, .trust_ad = trust_ad };
	char error[200];

	return dns_start(&conf, error, sizeof(error));
}

#endif
