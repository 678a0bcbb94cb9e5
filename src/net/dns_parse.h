/* SPDX-License-Identifier: MIT */
/* dns_parse: an answer of a name server (RFC 1035, 2308, 2782, 6698) to what dns.c keeps of
 * it. Pure. */
#ifndef NET_DNS_PARSE_H
#define NET_DNS_PARSE_H

#include "net/dns.h"

#define DNS_RECORDS_MAX 256

struct dns_parsed {
	enum dns_status status;
	bool authentic;                 /* the AD bit, whoever set it */
	uint32_t ttl;                   /* s; the lowest of all that was used. 0: not to be kept */
	int n;
	struct dns_record *records;     /* one block with their data, yours to free */
	const char *why;                /* constant; set when nothing was found */
};

/* name: what was asked, lower case, without the last dot. */
void dns_parse(struct dns_parsed *, const unsigned char *bytes, size_t n, const char *name,
	enum dns_type);

/* Letters (made lower case in out), digits, "-" and "_" in labels of 1 to 63, at most 253 in all; a
 * last dot goes. False: no server can know such a name. */
bool dns_name_good(const char *name, char out[DNS_NAME_MAX]);

#endif
