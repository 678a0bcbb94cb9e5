/* SPDX-License-Identifier: MIT */
/* dial_inside: what dial*.c tell each other. */
#ifndef NET_DIAL_INSIDE_H
#define NET_DIAL_INSIDE_H

#include "net/dial.h"
#include "net/dns.h"

#define DIAL_TARGETS_MAX 32     /* that are tried; what is more is cut off behind the best */

struct dial_target {
	char host[DNS_NAME_MAX];        /* A-labels, or an address as text */
	uint16_t port, priority, weight;
	bool direct_tls;
	bool secure;                    /* the record that named it was validated */
	/* Kept of its lookup, when that is over. */
	bool authentic;
	struct dns_record *tlsa;
	int n_tlsa;
};

struct dial_targets {
	int n;
	struct dial_target list[DIAL_TARGETS_MAX];      /* in the order to try */
	/* a missing address is then the domain's word, not our setting's */
	bool found_by_dns;
	bool no_service;                /* n 0: the domain says that it has no server */
	bool dns_failed;                /* a question had no answer: nothing is certain */
	const char *why;                /* of dns_failed */
};

/* dial_targets.c. The routes of the settings; false: none for this domain. */
bool dial_targets_from_routes(struct dial_targets *, const char *domain, const struct dial_conf *);
/* A numeric address, also "[2001:db8::1]". */
bool dial_targets_from_address(struct dial_targets *, const char *domain, int port);
/* Both answers together, in the order of RFC 2782; each may be NULL. */
void dial_targets_from_srv(struct dial_targets *, const char *domain, const struct dns_answer *tls,
	const struct dns_answer *plain, int standard_port);

/* dial_lookup.c: the addresses and TLSA records of one target. */
struct dial_lookup {
	void (*changed)(struct dial_lookup *);  /* something came; look at it again */
	struct dns_query *a, *aaaa, *tlsa;
	struct timeout *patience;               /* RFC 8305 §3: what IPv6 is waited for */
	bool hurry;                             /* it is over */
	bool active;                            /* started, and not all has come */
	bool authentic;                         /* so were the addresses */
	bool failed;                            /* some address question had no answer */
	bool tlsa_failed;
	unsigned char v6[8][16], v4[8][4];
	int n6, n4, taken6, taken4;
	bool last_was_6;
	const char *why;
	struct dns_record *tlsa_records;        /* a copy; in one block with their data */
	int n_tlsa;
};

void dial_lookup_start(struct dial_lookup *, const struct dial_target *,
	void (*changed)(struct dial_lookup *));
void dial_lookup_stop(struct dial_lookup *);            /* and forgets what it found */
/* May addresses be taken already? IPv6 has a little time to come first, TLSA all it needs. */
bool dial_lookup_ready(const struct dial_lookup *);
/* The next address, families alternating from IPv6 (RFC 8305 §4). False: none now. */
bool dial_lookup_take(struct dial_lookup *, uint16_t port, struct sockaddr_storage *, socklen_t *);

#endif
