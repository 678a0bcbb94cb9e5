/* SPDX-License-Identifier: MIT */
/* fuzz_dns: an answer to a question for a.example is either usable or said not to be. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "net/dns_parse.h"
#include <stonechat/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
look(const struct dns_parsed *p, enum dns_type type)
{
	char good[DNS_NAME_MAX];
	size_t sum = 0;

	sc_assert((p->status == DNS_FOUND) == (p->n > 0) && p->n <= DNS_RECORDS_MAX);
	sc_assert((p->status == DNS_FOUND) == (p->why == NULL));
	for (int i = 0; i < p->n; i++) {
		const struct dns_record *r = &p->records[i];

		sc_assert(r->data != NULL);
		if (type == DNS_SRV)
			sc_assert(*r->data == '\0' || dns_name_good(r->data, good));
		else if (type == DNS_TLSA)
			for (int k = 0; k < r->tlsa.n; k++)
				sum += (unsigned char)r->data[k];
		else
			sc_assert(*r->data == '\0');
	}
	sc_assert(sum < SIZE_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_TLSA };
	char text[DNS_NAME_MAX], good[DNS_NAME_MAX], again[DNS_NAME_MAX];

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct dns_parsed p;

		dns_parse(&p, bytes, n, "a.example", types[i]);
		look(&p, types[i]);
		free(p.records);
	}
	if (n >= sizeof(text))
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	if (dns_name_good(text, good))
		sc_assert(dns_name_good(good, again) && strcmp(good, again) == 0);
	return 0;
}
