/* SPDX-License-Identifier: MIT */
/*
 * dns: questions to name servers, by c-ares on the shard's loop. Each shard has a channel and a
 * cache of its own, so nothing is locked. The same question asked twice at a time goes out once.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX 256

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52 };

enum dns_status {
	DNS_FOUND,
	DNS_NONE,               /* surely no such name or no such record */
	DNS_FAILED,             /* time-out, a broken answer, a server's failure: not known */
};

struct dns_record {
	union {
		unsigned char address[16];      /* A: the first 4 */
		struct {
			uint16_t priority, weight, port;
		} srv;
		struct {
			uint8_t usage, selector, matching;
			uint16_t n;
		} tlsa;
	};
	/* SRV: the target, lower case, without the last dot; "" says "no such service".
	 * TLSA: n bytes of what is to be matched. */
	const char *data;
};

/* Lent to the callback. */
struct dns_answer {
	enum dns_status status;
	bool authentic;         /* validated by DNSSEC, says a resolver that the setting trusts */
	int64_t ttl_ms;         /* how long it may still be used */
	int n;
	const struct dns_record *records;
	const char *why;        /* a sentence when nothing was found; never NULL then */
};

struct dns_query;

struct dns_conf {
	/* "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53"; NULL or empty: /etc/resolv.conf's */
	const char *const *servers;
	/* "NAME ADDRESS": what NAME's A and AAAA are; stronger than the hosts file */
	const char *const *hosts;
	const char *hosts_file;         /* NULL or "": none is read */
	int64_t timeout;                /* of one try; the next ones wait longer */
	int64_t tries;
	int64_t cache;                  /* answers kept by a shard */
	int64_t pending;                /* questions of a shard under way at a time */
	int64_t ttl_min, ttl_max;       /* bounds of what name servers say, ms */
	/* that there is none; and, at most 30 s, that nobody answered */
	int64_t negative_max;
	bool trust_ad;                  /* believe the AD bit: the way to the resolver is safe */
};

/* For each shard's thread; again with new settings at any time: the cache is dropped, what is
 * under way is asked anew. False with a sentence (the old settings stay). conf is lent for the
 * call. */
bool dns_start(const struct dns_conf *, char *error, size_t error_size);
void dns_stop(void);            /* queries under way get DNS_FAILED, in this call */

/* Checks settings without using them; any thread. */
bool dns_check(const struct dns_conf *, char *error, size_t error_size);

/* name: U- or A-labels, absolute (nothing is appended). done is called once, later, never inside
 * this call; *q is then over: done must not cancel it. */
struct dns_query *dns_ask(const char *name, enum dns_type,
	void (*done)(void *arg, const struct dns_answer *), void *arg);
void dns_cancel(struct dns_query **taken);      /* harmless on NULL; done is not called */

void dns_forget(void);          /* this shard's cache, for `s2s reset` and tests */
int dns_cached(void);

#endif
