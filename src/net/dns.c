/* SPDX-License-Identifier: MIT */
/*
 * dns: asks by c-ares, keeps answers. An entry of the cache exists from the first question on; who
 * asks the same meanwhile waits at it. Nothing is answered inside dns_ask(): what is known already
 * is handed out by a task later in the turn.
 *
 * c-ares gets finished questions (so that they can have the AD bit, RFC 6840 §5.7, which its own
 * do not) and gives raw answers (its readers know no TTL for SRV); dns_parse.c reads those.
 */
#include "config.h"

#include <ares.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/stats.h"
#include "base/table.h"
#include "net/dns_inside.h"
#include "net/dns_parse.h"
#include "net/tls_inside.h"

#define CLASS_IN 1
#define AD_BIT 0x20             /* in the second byte of the flags */
#define FAILED_MS 30000         /* at most, that nobody answered */
#define LOCAL_MS 3600000        /* what stands in the hosts file or the settings */

struct entry {
	struct table_node node;
	/* in shard's list, oldest use first; alone while it waits */
	struct link age;
	struct link ready;              /* in the list of what is to be handed out */
	struct link waiters;            /* struct dns_query */
	enum dns_type type;
	bool pending, orphan;           /* orphan: not in the table any more */
	bool busy;                      /* being handed out */
	int64_t expires;
	struct dns_answer answer;       /* why: a constant */
	char name[DNS_NAME_MAX];
};

struct dns_query {
	struct link link;
	struct entry *entry;
	void (*done)(void *arg, const struct dns_answer *);
	void *arg;
};

static _Thread_local struct {
	bool set_up, leaving;
	struct table entries;
	struct link ages, ready, unsent;
	int n_pending;
	struct loop_task hand_out;
	struct dns_channel *channel;
	struct dns_hosts *hosts;
	struct dns_conf conf;           /* its texts are not kept */
} dns;

/* --- entries --- */

struct key {
	const char *name;
	enum dns_type type;
};

static bool
is_same(const struct table_node *node, const void *arg)
{
	const struct entry *e = container_of(node, struct entry, node);
	const struct key *key = arg;

	return e->type == key->type && strcmp(e->name, key->name) == 0;
}

static uint32_t
hash_of(const char *name, enum dns_type type)
{
	return hash_bytes(name, strlen(name)) ^ (uint32_t)type * 0x9e3779b9u;
}

static struct entry *
entry_new(const char *name, enum dns_type type)
{
	struct entry *e = mem_new(sizeof(*e));

	link_init(&e->age);
	link_init(&e->ready);
	link_init(&e->waiters);
	e->type = type;
	snprintf(e->name, sizeof(e->name), "%s", name);
	table_insert(&dns.entries, &e->node, hash_of(name, type));
	return e;
}

static void
entry_free(struct entry *e)
{
	link_remove(&e->age);
	link_remove(&e->ready);
	free((void *)e->answer.records);
	free(e);
}

static bool
is_wanted(const struct entry *e)
{
	return e->pending || e->busy || !link_alone(&e->waiters);
}

static void
entry_leave(struct entry *e)
{
	if (!e->orphan)
		table_remove(&dns.entries, &e->node);
	e->orphan = true;
	link_remove(&e->age);
	if (!is_wanted(e))
		entry_free(e);
}

static void
make_room(void)
{
	while (dns.entries.count > (uint32_t)dns.conf.cache + (uint32_t)dns.n_pending &&
		!link_alone(&dns.ages)) {
		STAT_INC(dns_evicted);
		entry_leave(container_of(dns.ages.next, struct entry, age));
	}
}

/* --- handing out --- */

static void
hand_out_entry(struct entry *e)
{
	e->busy = true;
	if (e->expires > 0) {
		e->answer.ttl_ms = (e->expires - clock_mono()) / 1000;
		if (e->answer.ttl_ms < 0)
			e->answer.ttl_ms = 0;
	}
	/* Who asks the same inside a callback is put at the end, and is answered here too. */
	while (!link_alone(&e->waiters)) {
		struct dns_query *q = container_of(e->waiters.next, struct dns_query, link);
		void (*done)(void *, const struct dns_answer *) = q->done;
		void *arg = q->arg;

		link_remove(&q->link);
		free(q);
		done(arg, &e->answer);
	}
	e->busy = false;
	if (e->orphan && !is_wanted(e))
		entry_free(e);
}

static void
hand_out(struct loop_task *task)
{
	struct link now;

	(void)task;
	link_init(&now);
	while (!link_alone(&dns.ready)) {
		struct link *it = dns.ready.next;

		link_remove(it);
		link_append(&now, it);
	}
	while (!link_alone(&now)) {
		struct link *it = now.next;

		link_remove(it);
		hand_out_entry(container_of(it, struct entry, ready));
	}
}

static void
make_ready(struct entry *e)
{
	link_remove(&e->ready);
	link_append(&dns.ready, &e->ready);
	loop_queue(&dns.hand_out, LOOP_PRIORITY_UNBOUND);
}

/* --- answers --- */

static int64_t
clamp(int64_t value, int64_t lo, int64_t hi)
{
	return value < lo ? lo : value > hi ? hi : value;
}

static int64_t
keep_for(const struct dns_parsed *p)
{
	int64_t ttl = (int64_t)p->ttl * 1000;

	switch (p->status) {
	case DNS_FOUND:
		return clamp(ttl, dns.conf.ttl_min, dns.conf.ttl_max);
	case DNS_NONE:
		return clamp(ttl, dns.conf.ttl_min, dns.conf.negative_max);
	default:
		/* So that a dead name server is not asked for every stanza (RFC 2308 §7.2). */
		return dns.conf.negative_max < FAILED_MS ? dns.conf.negative_max : FAILED_MS;
	}
}

static void
finish(struct entry *e, const struct dns_parsed *p, int64_t ms)
{
	e->pending = false;
	dns.n_pending--;
	e->answer = (struct dns_answer){ .status = p->status, .n = p->n, .records = p->records,
		.why = p->why,
		.authentic = p->authentic && dns.conf.trust_ad };
	e->expires = clock_mono() + ms * 1000;
	if (!e->orphan)
		link_append(&dns.ages, &e->age);
	make_ready(e);
	make_room();
}

static void
answer_arrived(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct entry *e = arg;
	struct dns_parsed parsed = { .status = DNS_FAILED };

	(void)timeouts;
	loop_woke();
	if (dns.leaving && (status == ARES_ECANCELLED || status == ARES_EDESTRUCTION)) {
		link_append(&dns.unsent, &e->ready);
		return;
	}
	if (status == ARES_SUCCESS && bytes != NULL) {
		dns_parse(&parsed, bytes, (size_t)n, e->name, e->type);
	} else {
		parsed.why = status == ARES_ETIMEOUT ? "no name server answers" :
			"the name servers cannot be reached or report a failure";
	}
	if (parsed.status == DNS_FAILED) {
		STAT_INC(dns_failures);
		sc_log(NULL, SC_LOG_DEBUG, "dns.failed", "name=%s type=%d why=\"%s\"", e->name,
			(int)e->type, parsed.why);
	}
	finish(e, &parsed, keep_for(&parsed));
}

static void
finish_with(struct entry *e, const char *why)
{
	struct dns_parsed parsed = { .status = DNS_FAILED, .why = why };

	finish(e, &parsed, 0);
}

static void
send_question(struct entry *e)
{
	unsigned char *bytes = NULL;
	int n = 0;

	link_remove(&e->ready);
	if (dns.channel == NULL || ares_create_query(e->name, CLASS_IN, (int)e->type,
		(unsigned short)rand_u64(), 1, &bytes, &n,
		DNS_UDP_SIZE) != ARES_SUCCESS) {
		finish_with(e, "the question cannot be asked");
		return;
	}
	STAT_INC(dns_questions);
	bytes[3] |= AD_BIT;
	dns_channel_send(dns.channel, bytes, n, answer_arrived, e);
	ares_free_string(bytes);
}

/* What needs no name server: the settings, the hosts file, localhost. */
static bool
answer_locally(struct entry *e)
{
	struct dns_parsed parsed = { .status = DNS_NONE };

	if (!dns_hosts_find(dns.hosts, e->name, e->type, &parsed))
		return false;
	finish(e, &parsed, LOCAL_MS);
	return true;
}

static void
start_entry(struct entry *e)
{
	e->pending = true;
	dns.n_pending++;
	if (answer_locally(e))
		return;
	if (dns.n_pending > dns.conf.pending) {
		STAT_INC(limit_dns);
		finish_with(e, "too many questions wait for the name servers");
		return;
	}
	send_question(e);
}

/* --- asking --- */

static void
set_up(void)
{
	if (dns.set_up)
		return;
	table_init(&dns.entries);
	link_init(&dns.ages);
	link_init(&dns.ready);
	link_init(&dns.unsent);
	loop_task_init(&dns.hand_out, hand_out);
	dns.set_up = true;
}

static struct entry *
entry_for(const char *name, enum dns_type type)
{
	struct key key = { name, type };
	struct table_node *node = table_find(&dns.entries, hash_of(name, type), is_same, &key);
	struct entry *e = node == NULL ? NULL : container_of(node, struct entry, node);

	if (e != NULL && !e->pending && e->expires <= clock_mono()) {
		entry_leave(e);
		e = NULL;
	}
	if (e == NULL) {
		e = entry_new(name, type);
		start_entry(e);
	} else if (!e->pending) {
		STAT_INC(dns_cache_hits);
		link_remove(&e->age);
		link_append(&dns.ages, &e->age);
		make_ready(e);
	}
	return e;
}

/* A name that nobody can have gets an entry of its own, which is in no table. */
static struct entry *
entry_impossible(void)
{
	struct entry *e = mem_new(sizeof(*e));

	link_init(&e->age);
	link_init(&e->ready);
	link_init(&e->waiters);
	e->orphan = true;
	e->answer = (struct dns_answer){ .status = DNS_NONE, .why =
		"no name server can know such a name" };
	make_ready(e);
	return e;
}

struct dns_query *
dns_ask(const char *name, enum dns_type type, void (*done)(void *arg, const struct dns_answer *),
	void *arg)
{
	struct dns_query *q = mem_new(sizeof(*q));
	char ascii[TLS_HOST_MAX], good[DNS_NAME_MAX];

	set_up();
	q->done = done;
	q->arg = arg;
	q->entry = tls_ascii(name, ascii) && dns_name_good(ascii, good) ? entry_for(good, type) :
		entry_impossible();
	link_append(&q->entry->waiters, &q->link);
	return q;
}

void
dns_cancel(struct dns_query **taken)
{
	struct dns_query *q = *taken;
	struct entry *e;

	*taken = NULL;
	if (q == NULL)
		return;
	e = q->entry;
	link_remove(&q->link);
	free(q);
	/* The question goes on: its answer is good for the next one who asks. */
	if (e->orphan && !is_wanted(e))
		entry_free(e);
}

void
dns_forget(void)
{
	set_up();
	while (!link_alone(&dns.ages))
		entry_leave(container_of(dns.ages.next, struct entry, age));
}

int
dns_cached(void)
{
	return (int)dns.entries.count - dns.n_pending;
}

/* --- settings --- */

bool
dns_start(const struct dns_conf *conf, char *error, size_t error_size)
{
	struct dns_hosts *hosts = dns_hosts_load(conf, error, error_size);
	struct dns_channel *channel = hosts == NULL ? NULL : dns_channel_new(conf, error,
		error_size);

	set_up();
	if (channel == NULL) {
		dns_hosts_free(&hosts);
		return false;
	}
	dns.leaving = true;
	dns_channel_free(&dns.channel);
	dns.leaving = false;
	dns_hosts_free(&dns.hosts);
	dns.channel = channel;
	dns.hosts = hosts;
	dns.conf = *conf;
	if (dns.conf.cache < 1)
		dns.conf.cache = 1;             /* what was found must outlive start_entry() */
	dns_forget();
	while (!link_alone(&dns.unsent))
		send_question(container_of(dns.unsent.next, struct entry, ready));
	return true;
}

void
dns_stop(void)
{
	if (!dns.set_up)
		return;
	dns_channel_free(&dns.channel);         /* answers what is under way with a failure */
	for (int round = 0; round < 8; round++)
		/* who hears that may ask again, and hears the same */
		hand_out(NULL);
	dns_forget();
	loop_unqueue(&dns.hand_out);
	dns_hosts_free(&dns.hosts);
	table_free(&dns.entries);
	dns.set_up = false;
}

bool
dns_check(const struct dns_conf *conf, char *error, size_t error_size)
{
	struct dns_hosts *hosts = dns_hosts_load(conf, error, error_size);

	if (hosts == NULL)
		return false;
	dns_hosts_free(&hosts);
	return dns_channel_check(conf, error, error_size);
}
