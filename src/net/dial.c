/* SPDX-License-Identifier: MIT */
/*
 * dial: what is tried when. Every event (a target's addresses came, an attempt failed, the head
 * start is over) only queues the task; advance() alone looks at the whole and decides, and alone
 * calls done(). So nothing is ever called from inside the caller's own call.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "base/stats.h"
#include "net/dial_inside.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/tls_inside.h"

#define CONNECT_MS 20000
#define TOTAL_MS 60000
#define HEAD_START_MS 250
#define ATTEMPTS_MAX 8          /* at a time */

struct place {
	struct sockaddr_storage at;
	socklen_t len;
	int target;
};

/* A TCP connection in the making. */
struct attempt {
	struct dial *dial;
	struct event *event;
	struct timeout slow;
	struct place place;
	int fd;
};

struct dial {
	struct loop_task task;
	struct timeout head_start, total;
	void (*done)(void *arg, const struct dial_result *);
	void *arg;
	struct dial_conf conf;          /* its texts are not kept */
	char domain[DNS_NAME_MAX];
	struct dns_query *srv, *srv_tls;
	struct dial_targets targets;
	int current;                    /* the target that lookup is about; -1: none yet */
	struct dial_lookup lookup;
	struct attempt attempts[ATTEMPTS_MAX];
	int n_attempts;
	struct place spare[ATTEMPTS_MAX];       /* were under way when another one won */
	int n_spare;
	bool searching;                 /* SRV */
	bool resting;                   /* between done() and dial_next() */
	bool may_start;                 /* the head start of the last attempt is over */
	bool late;                      /* the total time is over */
	bool certain;                   /* nothing but "no such name" was heard */
	bool gone, inside;              /* dial_free() inside done() */
	int tried, given;
	int winner;                     /* the target of result */
	char last[160];                 /* what the last failure was */
	struct dns_answer *tls_answer, *answer; /* SRV answers, while the other one is waited for */
	struct dial_tlsa *tlsa;
	struct dial_result result;
};

static void
again(struct dial *d)
{
	loop_queue(&d->task, LOOP_PRIORITY_UNBOUND);
}

/* --- attempts --- */

static void
attempt_end(struct attempt *a, bool close_it)
{
	timeout_clear(&a->slow);
	if (a->event != NULL)
		event_free(a->event);
	a->event = NULL;
	if (close_it)
		close(a->fd);
	a->fd = -1;
	a->dial->n_attempts--;
}

static void
describe(const struct dial *d, const struct place *p, char *out, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "";
	const struct dial_target *t = &d->targets.list[p->target];

	if (p->at.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&p->at)->sin6_addr, address,
			sizeof(address));
	else
		inet_ntop(AF_INET, &((const struct sockaddr_in *)&p->at)->sin_addr, address,
			sizeof(address));
	if (strcmp(address, t->host) == 0)
		snprintf(out, size, "%s port %u", address, t->port);
	else
		snprintf(out, size, "%.60s port %u (%s)", t->host, t->port, address);
}

static void
attempt_failed(struct dial *d, const struct place *p, const char *reason)
{
	char where[130];

	describe(d, p, where, sizeof(where));
	snprintf(d->last, sizeof(d->last), "%s: %s", where, reason);
	d->may_start = true;            /* RFC 8305 §5: no need to wait any longer */
	STAT_INC(dial_failures);
	sc_log(NULL, SC_LOG_DEBUG, "dial.failed", "domain=%s why=\"%s\"", d->domain, d->last);
	again(d);
}

static void
too_slow(struct timeout *t)
{
	struct attempt *a = container_of(t, struct attempt, slow);

	attempt_end(a, true);
	attempt_failed(a->dial, &a->place, "does not answer");
}

static void
won(struct attempt *a)
{
	struct dial *d = a->dial;
	struct dial_result *r = &d->result;
	const struct dial_target *t = &d->targets.list[a->place.target];

	*r = (struct dial_result){ .end = DIAL_CONNECTED, .fd = a->fd,
		.peer = a->place.at, .peer_len = a->place.len,
		.direct_tls = t->direct_tls };
	snprintf(r->target, sizeof(r->target), "%s", t->host);
	d->winner = a->place.target;
	attempt_end(a, false);
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		if (d->attempts[i].fd < 0)
			continue;
		d->spare[d->n_spare++] = d->attempts[i].place;
		attempt_end(&d->attempts[i], true);
	}
	again(d);
}

static void
socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)what;
	loop_woke();
	if (a->dial->result.end == DIAL_CONNECTED)
		return;                 /* another one won in this turn, and this one was ended */
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0) {
		won(a);
		return;
	}
	attempt_end(a, true);
	attempt_failed(a->dial, &a->place, strerror(error));
}

static struct attempt *
free_attempt(struct dial *d)
{
	for (int i = 0; i < ATTEMPTS_MAX; i++)
		if (d->attempts[i].fd < 0)
			return &d->attempts[i];
	return NULL;
}

static void
attempt(struct dial *d, const struct place *p)
{
	struct attempt *a = free_attempt(d);
	int fd = socket(p->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	d->tried++;
	d->certain = false;
	if (fd < 0 || (connect(fd, (const struct sockaddr *)&p->at, p->len) != 0 &&
		errno != EINPROGRESS)) {
		attempt_failed(d, p, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	a->fd = fd;
	a->place = *p;
	a->event = event_new(loop_base(loop_id()), fd, EV_WRITE, socket_ready, a);
	sc_assert(a->event != NULL && event_add(a->event, NULL) == 0);
	timeout_set(&a->slow, d->conf.connect_ms);
	d->n_attempts++;
	d->may_start = false;
	timeout_set(&d->head_start, HEAD_START_MS);
}

/* --- what comes next --- */

static void
lookup_changed(struct dial_lookup *l)
{
	again(container_of(l, struct dial, lookup));
}

/* The present target has nothing more: what is to be remembered of it? */
static void
close_lookup(struct dial *d)
{
	struct dial_lookup *l = &d->lookup;

	if (l->changed == NULL)
		return;
	if (d->current >= 0 && l->n4 + l->n6 == 0) {
		snprintf(d->last, sizeof(d->last), "%.80s: %s", d->targets.list[d->current].host,
			l->why == NULL ? "no address" : l->why);
		if (l->failed)
			d->certain = false;
	}
	if (d->current >= 0) {
		struct dial_target *t = &d->targets.list[d->current];

		t->authentic = l->authentic;
		t->tlsa = l->tlsa_records;
		t->n_tlsa = l->n_tlsa;
		l->tlsa_records = NULL;
	}
	dial_lookup_stop(l);
}

/* RFC 7672 §2.1.2: records that should be there but cannot be had mean that somebody is in
 * the way. */
static bool
must_skip(struct dial *d)
{
	if (!d->lookup.tlsa_failed || !d->lookup.authentic)
		return false;
	snprintf(d->last, sizeof(d->last), "%.80s: its TLSA records cannot be looked up",
		d->targets.list[d->current].host);
	d->certain = false;
	d->lookup.taken4 = d->lookup.n4;
	d->lookup.taken6 = d->lookup.n6;
	return true;
}

static bool
next_target(struct dial *d)
{
	if (d->current >= 0 && d->lookup.active)
		return false;
	if (d->current + 1 >= d->targets.n)
		return false;
	close_lookup(d);
	d->current++;
	dial_lookup_start(&d->lookup, &d->targets.list[d->current], lookup_changed);
	return true;
}

static bool
next_place(struct dial *d, struct place *p)
{
	if (d->n_spare > 0) {
		*p = d->spare[0];
		memmove(d->spare, d->spare + 1, (size_t)--d->n_spare * sizeof(*p));
		return true;
	}
	if (d->current < 0 || !dial_lookup_ready(&d->lookup) || must_skip(d))
		return false;
	p->target = d->current;
	return dial_lookup_take(&d->lookup, d->targets.list[d->current].port, &p->at, &p->len);
}

/* --- telling --- */

/* d may be gone after this. */
static void
tell(struct dial *d)
{
	d->resting = true;
	timeout_clear(&d->total);
	timeout_clear(&d->head_start);
	d->inside = true;
	d->done(d->arg, &d->result);
	d->inside = false;
	if (d->gone) {
		struct dial *taken = d;

		dial_free(&taken);
	}
}

static void
lend_tlsa(struct dial *d)
{
	struct dial_result *r = &d->result;
	const struct dial_target *t = &d->targets.list[d->winner];
	bool open = d->current == d->winner;
	const struct dns_record *records = open ? d->lookup.tlsa_records : t->tlsa;
	int n = open ? d->lookup.n_tlsa : t->n_tlsa;

	free(d->tlsa);
	d->tlsa = NULL;
	r->secure = t->secure && (open ? d->lookup.authentic : t->authentic);
	if (!r->secure || n == 0)
		return;
	d->tlsa = mem_new((size_t)n * sizeof(*d->tlsa));
	for (int i = 0; i < n; i++) {
		const struct dns_record *from = &records[i];

		d->tlsa[i] = (struct dial_tlsa){ from->tlsa.usage, from->tlsa.selector,
			from->tlsa.matching, from->tlsa.n,
			(const unsigned char *)from->data };
	}
	r->tlsa = d->tlsa;
	r->n_tlsa = n;
}

static void
give(struct dial *d)
{
	d->given++;
	lend_tlsa(d);
	STAT_INC(dial_connections);
	tell(d);
}

static void
fail(struct dial *d)
{
	struct dial_result *r = &d->result;

	close_lookup(d);
	for (int i = 0; i < ATTEMPTS_MAX; i++)
		if (d->attempts[i].fd >= 0)
			attempt_end(&d->attempts[i], true);
	*r = (struct dial_result){ .end = DIAL_FAILED, .fd = -1 };
	if (d->targets.no_service) {
		r->end = DIAL_NOT_FOUND;
		snprintf(r->why, sizeof(r->why), "%.100s says in DNS that it has no XMPP server",
			d->domain);
	} else if (d->targets.n == 0) {
		snprintf(r->why, sizeof(r->why), "the servers of %.100s cannot be looked up: %s",
			d->domain,
			d->targets.why == NULL ? "DNS failed" : d->targets.why);
	} else if (d->certain && d->given == 0) {
		r->end = DIAL_NOT_FOUND;
		snprintf(r->why, sizeof(r->why),
			"DNS knows no server and no address of %.80s (%.100s)", d->domain, d->last);
	} else if (d->given > 0 && d->tried == d->given) {
		snprintf(r->why, sizeof(r->why), "no other server of %.100s is left to try",
			d->domain);
	} else {
		snprintf(r->why, sizeof(r->why), "%.150s%s", d->last, d->late
			? " (and there was no time to try more)" :
			d->tried > 1 ? " (the last of several)" : "");
	}
	tell(d);
}

static void
advance(struct loop_task *task)
{
	struct dial *d = container_of(task, struct dial, task);
	struct place p;

	if (d->resting || d->searching)
		return;
	while (d->result.end != DIAL_CONNECTED && !d->late && (d->n_attempts == 0 ||
		d->may_start) && d->n_attempts < ATTEMPTS_MAX) {
		if (next_place(d, &p))
			attempt(d, &p);
		else if (!next_target(d))
			break;
	}
	if (d->result.end == DIAL_CONNECTED)
		give(d);
	else if (d->late || (d->n_attempts == 0 && !d->lookup.active))
		fail(d);
}

static void
head_start_over(struct timeout *t)
{
	struct dial *d = container_of(t, struct dial, head_start);

	d->may_start = true;
	again(d);
}

static void
all_too_slow(struct timeout *t)
{
	struct dial *d = container_of(t, struct dial, total);

	d->late = true;
	if (d->searching) {
		dns_cancel(&d->srv);
		dns_cancel(&d->srv_tls);
		d->searching = false;
		d->targets = (struct dial_targets){ .dns_failed = true, .why =
			"no name server answers" };
	} else if (d->n_attempts > 0) {
		for (int i = 0; i < ATTEMPTS_MAX; i++)
			if (d->attempts[i].fd >= 0) {
				attempt_end(&d->attempts[i], true);
				attempt_failed(d, &d->attempts[i].place, "does not answer");
			}
	}
	again(d);
}

/* --- SRV --- */

/* Answers are lent to a callback, but both are needed together. */
static struct dns_answer *
keep(const struct dns_answer *answer)
{
	size_t bytes = sizeof(*answer) + (size_t)answer->n * sizeof(*answer->records);
	struct dns_answer *copy;
	struct dns_record *records;
	char *data;

	for (int i = 0; i < answer->n; i++)
		bytes += strlen(answer->records[i].data) + 1;
	copy = mem_new(bytes);
	records = (struct dns_record *)(copy + 1);
	data = (char *)(records + answer->n);
	*copy = *answer;
	copy->records = records;
	for (int i = 0; i < answer->n; i++) {
		records[i] = answer->records[i];
		records[i].data = memcpy(data, answer->records[i].data,
			strlen(answer->records[i].data) + 1);
		data += strlen(data) + 1;
	}
	return copy;
}

static void
srv_settled(struct dial *d)
{
	if (d->srv != NULL || d->srv_tls != NULL)
		return;
	dial_targets_from_srv(&d->targets, d->domain, d->tls_answer, d->answer,
		d->conf.standard_port);
	free(d->tls_answer);
	free(d->answer);
	d->tls_answer = d->answer = NULL;
	d->searching = false;
	d->certain = !d->targets.dns_failed;
	again(d);
}

static void
srv_tls_arrived(void *arg, const struct dns_answer *answer)
{
	struct dial *d = arg;

	d->srv_tls = NULL;
	d->tls_answer = keep(answer);
	srv_settled(d);
}

static void
srv_arrived(void *arg, const struct dns_answer *answer)
{
	struct dial *d = arg;

	d->srv = NULL;
	d->answer = keep(answer);
	srv_settled(d);
}

static void
search(struct dial *d, const struct dial_conf *conf)
{
	char name[2 * DNS_NAME_MAX];

	d->searching = true;
	if (conf->srv_tls != NULL) {
		snprintf(name, sizeof(name), "%s.%s", conf->srv_tls, d->domain);
		d->srv_tls = dns_ask(name, DNS_SRV, srv_tls_arrived, d);
	}
	if (conf->srv != NULL) {
		snprintf(name, sizeof(name), "%s.%s", conf->srv, d->domain);
		d->srv = dns_ask(name, DNS_SRV, srv_arrived, d);
	}
	if (d->srv == NULL && d->srv_tls == NULL)
		srv_settled(d);
}

/* --- life --- */

static void
set_defaults(struct dial_conf *c)
{
	if (c->connect_ms == 0)
		c->connect_ms = CONNECT_MS;
}

struct dial *
dial_start(const char *domain, const struct dial_conf *conf, void (*done)(void *arg,
	const struct dial_result *), void *arg)
{
	struct dial *d = mem_new(sizeof(*d));
	char ascii[TLS_HOST_MAX];

	loop_task_init(&d->task, advance);
	timeout_init(&d->head_start, head_start_over);
	timeout_init(&d->total, all_too_slow);
	d->done = done;
	d->arg = arg;
	d->conf = *conf;
	set_defaults(&d->conf);
	d->current = -1;
	d->result.end = DIAL_FAILED;
	d->may_start = true;
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		d->attempts[i].fd = -1;
		d->attempts[i].dial = d;
		timeout_init(&d->attempts[i].slow, too_slow);
	}
	snprintf(d->domain, sizeof(d->domain), "%s", tls_ascii(domain, ascii) ? ascii : domain);
	timeout_set(&d->total, TOTAL_MS);
	if (!dial_targets_from_routes(&d->targets, domain, conf) &&
		!dial_targets_from_address(&d->targets, domain, conf->standard_port))
		search(d, conf);
	d->conf.routes = NULL;
	d->conf.srv = d->conf.srv_tls = NULL;
	again(d);
	return d;
}

void
dial_next(struct dial *d)
{
	sc_assert(d->resting);
	d->resting = false;
	d->late = false;
	d->may_start = true;
	d->result.end = DIAL_FAILED;
	timeout_set(&d->total, TOTAL_MS);
	again(d);
}

void
dial_free(struct dial **taken)
{
	struct dial *d = *taken;

	*taken = NULL;
	if (d == NULL)
		return;
	d->gone = true;
	if (d->inside)
		return;         /* tell() does the rest */
	loop_unqueue(&d->task);
	timeout_clear(&d->head_start);
	timeout_clear(&d->total);
	dns_cancel(&d->srv);
	dns_cancel(&d->srv_tls);
	dial_lookup_stop(&d->lookup);
	for (int i = 0; i < ATTEMPTS_MAX; i++)
		if (d->attempts[i].fd >= 0)
			attempt_end(&d->attempts[i], true);
	if (d->result.end == DIAL_CONNECTED && !d->resting)
		close(d->result.fd);
	for (int i = 0; i < d->targets.n; i++)
		free(d->targets.list[i].tlsa);
	free(d->tls_answer);
	free(d->answer);
	free(d->tlsa);
	free(d);
}
