/* SPDX-License-Identifier: MIT */
/*
 * dial: from a domain to a connected TCP socket: static routes, else SRV records (dial_targets.c),
 * the addresses of their targets, and attempts with a head start each (happy eyeballs, RFC 8305).
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A static route from the settings: domain "*" is every domain that has no route of its own.
 * host: a name or a numeric address. Several for one domain are tried in order. */
struct dial_route {
	const char *domain, *host;
	int port;
	bool direct_tls;
};

/* What is 0 has the default in brackets. */
struct dial_conf {
	const struct dial_route *routes;
	int n_routes;
	/* "_xmpps-server._tcp", "_xmpp-server._tcp"; each may be NULL */
	const char *srv_tls, *srv;
	int standard_port;              /* without SRV records */
	int64_t connect_ms;             /* for one address (20 s) */
};

enum dial_end {
	DIAL_CONNECTED,
	/* for certain: no such domain, or SRV target "." */
	DIAL_NOT_FOUND,
	/* nobody reachable now, DNS time-out or failure, no target left */
	DIAL_FAILED,
};

struct dial_tlsa {
	uint8_t usage, selector, matching;
	uint16_t n;
	const unsigned char *data;
};

/* Lent to done(); target, tlsa and why stay until the next call about this dial. */
struct dial_result {
	enum dial_end end;
	int fd;                                 /* non-blocking, connected; the receiver's */
	struct sockaddr_storage peer;
	socklen_t peer_len;
	bool direct_tls;
	/* SRV target or route's host, for logs and RFC 7673 */
	char target[256];
	/* the way to target was DNSSEC-valid (AD trusted by setting) */
	bool secure;
	const struct dial_tlsa *tlsa;           /* only secure ones */
	int n_tlsa;
	/* a sentence a person can act on, when not connected */
	char why[256];
};

struct dial;

/* done() is never called from inside these functions, and not after dial_free(). domain: prepared
 * (U-labels), or a numeric address. conf is lent for the call. */
struct dial *dial_start(const char *domain, const struct dial_conf *,
	void (*done)(void *arg, const struct dial_result *), void *arg);
/* The target that was given did not work out above TCP (no TLS, silence, stream error): on to the
 * next; ends in done() again. */
void dial_next(struct dial *);
/* in any state, also inside done(); harmless on NULL */
void dial_free(struct dial **taken);

#endif
