/* SPDX-License-Identifier: MIT */
/* dial_lookup: addresses and TLSA records of one target, all asked at once. */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "net/dial_inside.h"
#include "net/timer.h"

#define RESOLUTION_DELAY_MS 50          /* RFC 8305 §8 */

struct patience {
	struct timeout timeout;
	struct dial_lookup *lookup;
};

static void
settle(struct dial_lookup *l)
{
	l->active = l->a != NULL || l->aaaa != NULL || l->tlsa != NULL;
	l->changed(l);
}

static void
note(struct dial_lookup *l, const struct dns_answer *answer)
{
	if (answer->status == DNS_FAILED)
		l->failed = true;
	if (answer->status == DNS_FOUND)
		l->authentic = l->authentic && answer->authentic;
	else if (l->why == NULL || answer->status == DNS_FAILED)
		l->why = answer->why;
}

static void
out_of_patience(struct timeout *t)
{
	struct dial_lookup *l = container_of(t, struct patience, timeout)->lookup;

	l->hurry = true;
	l->changed(l);
}

static void
a_arrived(void *arg, const struct dns_answer *answer)
{
	struct dial_lookup *l = arg;

	l->a = NULL;
	note(l, answer);
	for (int i = 0; i < answer->n && l->n4 < 8; i++)
		memcpy(l->v4[l->n4++], answer->records[i].address, 4);
	if (l->aaaa != NULL && l->n4 > 0) {
		struct patience *p = mem_new(sizeof(*p));

		p->lookup = l;
		l->patience = &p->timeout;
		timeout_init(&p->timeout, out_of_patience);
		timeout_set(&p->timeout, RESOLUTION_DELAY_MS);
	}
	settle(l);
}

static void
aaaa_arrived(void *arg, const struct dns_answer *answer)
{
	struct dial_lookup *l = arg;

	l->aaaa = NULL;
	note(l, answer);
	for (int i = 0; i < answer->n && l->n6 < 8; i++)
		memcpy(l->v6[l->n6++], answer->records[i].address, 16);
	settle(l);
}

/* The answer is lent to us only now. */
static void
keep_tlsa(struct dial_lookup *l, const struct dns_answer *answer)
{
	size_t bytes = (size_t)answer->n * sizeof(*l->tlsa_records);
	char *data;

	for (int i = 0; i < answer->n; i++)
		bytes += answer->records[i].tlsa.n;
	l->tlsa_records = mem_new(bytes);
	l->n_tlsa = answer->n;
	data = (char *)(l->tlsa_records + answer->n);
	for (int i = 0; i < answer->n; i++) {
		l->tlsa_records[i] = answer->records[i];
		l->tlsa_records[i].data = memcpy(data, answer->records[i].data,
			answer->records[i].tlsa.n);
		data += answer->records[i].tlsa.n;
	}
}

static void
tlsa_arrived(void *arg, const struct dns_answer *answer)
{
	struct dial_lookup *l = arg;

	l->tlsa = NULL;
	l->tlsa_failed = answer->status == DNS_FAILED;
	if (answer->status == DNS_FOUND && answer->authentic)
		keep_tlsa(l, answer);
	settle(l);
}

static bool
is_numeric(struct dial_lookup *l, const char *host)
{
	if (inet_pton(AF_INET, host, l->v4[0]) == 1)
		l->n4 = 1;
	else if (inet_pton(AF_INET6, host, l->v6[0]) == 1)
		l->n6 = 1;
	return l->n4 + l->n6 > 0;
}

void
dial_lookup_start(struct dial_lookup *l, const struct dial_target *target,
	void (*changed)(struct dial_lookup *))
{
	char name[DNS_NAME_MAX + 16];

	*l = (struct dial_lookup){ .changed = changed, .authentic = true };
	if (is_numeric(l, target->host))
		return;
	l->aaaa = dns_ask(target->host, DNS_AAAA, aaaa_arrived, l);
	l->a = dns_ask(target->host, DNS_A, a_arrived, l);
	/* DANE: records that anybody could have written say nothing. */
	if (target->secure) {
		snprintf(name, sizeof(name), "_%u._tcp.%s", target->port, target->host);
		l->tlsa = dns_ask(name, DNS_TLSA, tlsa_arrived, l);
	}
	l->active = l->a != NULL || l->aaaa != NULL || l->tlsa != NULL;
}

void
dial_lookup_stop(struct dial_lookup *l)
{
	dns_cancel(&l->a);
	dns_cancel(&l->aaaa);
	dns_cancel(&l->tlsa);
	if (l->patience != NULL) {
		timeout_clear(l->patience);
		free(container_of(l->patience, struct patience, timeout));
	}
	free(l->tlsa_records);
	*l = (struct dial_lookup){ 0 };
}

bool
dial_lookup_ready(const struct dial_lookup *l)
{
	if (l->tlsa != NULL)
		return false;
	return !l->active || l->n6 > 0 || (l->n4 > 0 && l->hurry);
}

bool
dial_lookup_take(struct dial_lookup *l, uint16_t port, struct sockaddr_storage *at, socklen_t *len)
{
	bool more6 = l->taken6 < l->n6, more4 = l->taken4 < l->n4;

	memset(at, 0, sizeof(*at));
	if (!dial_lookup_ready(l) || (!more6 && !more4))
		return false;
	l->last_was_6 = more6 && !(l->last_was_6 && more4);
	if (l->last_was_6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)at;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, l->v6[l->taken6++], 16);
		*len = sizeof(*in6);
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)at;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, l->v4[l->taken4++], 4);
		*len = sizeof(*in);
	}
	return true;
}
