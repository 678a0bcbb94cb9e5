/* SPDX-License-Identifier: MIT */
/* dial_targets: which servers speak for a domain, and in what order they are tried. Pure
 * but for the dice. */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rand.h"
#include "net/dial_inside.h"

static struct dial_target *
add(struct dial_targets *t, const char *host, int port, bool direct_tls)
{
	struct dial_target *target = &t->list[t->n];

	if (t->n == DIAL_TARGETS_MAX)
		return NULL;
	*target = (struct dial_target){ .port = (uint16_t)port, .direct_tls = direct_tls };
	snprintf(target->host, sizeof(target->host), "%s", host);
	t->n++;
	return target;
}

static void
add_routes(struct dial_targets *t, const char *domain, const struct dial_conf *conf)
{
	for (int i = 0; i < conf->n_routes; i++)
		if (strcmp(conf->routes[i].domain, domain) == 0)
			add(t, conf->routes[i].host, conf->routes[i].port,
				conf->routes[i].direct_tls);
}

bool
dial_targets_from_routes(struct dial_targets *t, const char *domain, const struct dial_conf *conf)
{
	*t = (struct dial_targets){ 0 };
	add_routes(t, domain, conf);
	if (t->n == 0)
		add_routes(t, "*", conf);
	return t->n > 0;
}

bool
dial_targets_from_address(struct dial_targets *t, const char *domain, int port)
{
	unsigned char bytes[16];
	char bare[INET6_ADDRSTRLEN];
	size_t n = strlen(domain);
	bool brackets = n > 2 && domain[0] == '[' && domain[n - 1] == ']';

	*t = (struct dial_targets){ 0 };
	if (n >= sizeof(bare) + 2)
		return false;
	snprintf(bare, sizeof(bare), "%.*s", (int)(brackets ? n - 2 : n), brackets ? domain + 1 :
		domain);
	if ((brackets || inet_pton(AF_INET, bare, bytes) != 1) && inet_pton(AF_INET6, bare,
		bytes) != 1)
		return false;
	add(t, bare, port, false);
	return true;
}

/* --- SRV --- */

/* RFC 2782: one record with the root as its target says that there is no such service. */
static bool
is_refusal(const struct dns_answer *a)
{
	return a != NULL && a->status == DNS_FOUND && a->n == 1 && a->records[0].data[0] == '\0';
}

static void
note_failure(struct dial_targets *t, const struct dns_answer *a)
{
	if (a == NULL || a->status != DNS_FAILED)
		return;
	t->dns_failed = true;
	t->why = a->why;
}

/* All that are usable, unordered: [n] of them. */
static int
pick_up(struct dial_target *all, int n, int room, const struct dns_answer *a, bool direct_tls)
{
	for (int i = 0; a != NULL && a->status == DNS_FOUND && i < a->n && n < room; i++) {
		const struct dns_record *r = &a->records[i];

		if (r->data[0] == '\0' || r->srv.port == 0)
			continue;
		all[n] = (struct dial_target){ .port = r->srv.port, .priority = r->srv.priority,
			.weight = r->srv.weight,
			.direct_tls = direct_tls, .secure = a->authentic };
		snprintf(all[n++].host, sizeof(all->host), "%s", r->data);
	}
	return n;
}

/* Those of no weight first in a priority, as the drawing wants them. */
static int
by_priority(const void *a, const void *b)
{
	const struct dial_target *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return (x->weight != 0) - (y->weight != 0);
}

/* Draws one of the first n, which have one priority: RFC 2782, "Weight". */
static int
draw(const struct dial_target *list, int n)
{
	uint64_t sum = 0, dice;

	for (int i = 0; i < n; i++)
		sum += list[i].weight;
	dice = rand_u64() % (sum + 1);
	sum = 0;
	for (int i = 0; i < n; i++) {
		sum += list[i].weight;
		if (sum >= dice)
			return i;
	}
	return n - 1;
}

static void
order(struct dial_targets *t, struct dial_target *all, int n)
{
	qsort(all, (size_t)n, sizeof(*all), by_priority);
	while (n > 0 && t->n < DIAL_TARGETS_MAX) {
		int same = 1, chosen;

		while (same < n && all[same].priority == all[0].priority)
			same++;
		chosen = draw(all, same);
		t->list[t->n++] = all[chosen];
		memmove(all + chosen, all + chosen + 1, (size_t)(n - chosen - 1) * sizeof(*all));
		n--;
	}
}

static bool
is_authentic(const struct dns_answer *a)
{
	return a == NULL || a->authentic;
}

void
dial_targets_from_srv(struct dial_targets *t, const char *domain, const struct dns_answer *tls,
	const struct dns_answer *plain, int standard_port)
{
	int room = (tls == NULL ? 0 : tls->n) + (plain == NULL ? 0 : plain->n), n;
	struct dial_target *all = calloc((size_t)room + 1, sizeof(*all)), *only;

	*t = (struct dial_targets){ .found_by_dns = true };
	note_failure(t, tls);
	note_failure(t, plain);
	n = all == NULL ? 0 : pick_up(all, 0, room, tls, true);
	n = all == NULL ? 0 : pick_up(all, n, room, plain, false);
	order(t, all, n);
	free(all);
	if (t->n > 0)
		return;
	/* No direct TLS (XEP-0368) says nothing about the old way. */
	if (is_refusal(plain)) {
		t->no_service = !t->dns_failed;
		return;
	}
	/* RFC 6120 §3.2.2, also when DNS did not answer: the name itself at the usual port. */
	only = add(t, domain, standard_port, false);
	only->secure = (tls != NULL || plain != NULL) && is_authentic(tls) && is_authentic(plain);
}
