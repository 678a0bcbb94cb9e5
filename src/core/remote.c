/* SPDX-License-Identifier: MIT */
/*
 * remote: the queue for each pair of domains, and what becomes of it when the other server cannot
 * be reached. Everything that waits ends: written and safe, or answered with an error (design §5;
 * reliability.md F15).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/remote.h"
#include "core/route.h"
#include "core/shard.h"
#include "net/loop.h"
#include "xmpp/stanza.h"

#define TICK_MS 1000            /* how often those are looked at who wait without a stream */
/* somebody wants something: the pause since the last try counts no more than this */
#define TRY_ANYWAY_US 30000000
#define WRITE_BYTES 65536       /* what is written at once … */
#define WAITING_BYTES 262144    /* … and what may wait for the kernel */
#define FORGET_US 60000000      /* a pair that nobody needs */
#define NS_MUC "http://jabber.org/protocol/muc"

const struct remote_ops *remote_ops;

_Thread_local struct remote_limits remote_limits = {
	.pairs = 10000, .stanzas = 10000, .bytes = 16 << 20, .age_ms = 172800000,
	.short_ms = 30000, .spill_ms = 250, .keep_ms = 5000,
	.backoff_ms = 2000, .backoff_max_ms = 900000,
};

static _Thread_local struct table remotes;
static _Thread_local struct link all, dirty;
static _Thread_local bool started;

static void tick(struct timeout *);
static void spill(struct timeout *);

static void
start_lists(void)
{
	if (started)
		return;
	started = true;
	table_init(&remotes);
	link_init(&all);
	link_init(&dirty);
}

/* --- finding --- */

struct pair_key {
	struct sc_span local, domain;
};

/* One text for the hash: no domain has a space. */
static uint32_t
pair_hash(struct sc_span local, struct sc_span domain)
{
	char both[2100];
	size_t n = local.n + 1 + domain.n;

	/* a domain has at most 1023 bytes (RFC 7622 §3.2) */
	sc_assert(n <= sizeof both);
	memcpy(both, local.p, local.n);
	both[local.n] = ' ';
	memcpy(both + local.n + 1, domain.p, domain.n);
	return hash_stable(both, n);
}

static bool
is_pair(const struct table_node *node, const void *arg)
{
	const struct remote *r = container_of(node, struct remote, node);
	const struct pair_key *key = arg;

	return sc_span_is(key->local, r->local) && sc_span_is(key->domain, r->domain);
}

static int
home_of_pair(struct sc_span local, struct sc_span domain)
{
	return (int)(pair_hash(local, domain) % (uint32_t)loop_count());
}

int
remote_home(const char *local, const char *domain)
{
	return home_of_pair(sc_span(local), sc_span(domain));
}

static struct remote *
find(struct sc_span local, struct sc_span domain, uint32_t hash)
{
	struct pair_key key = { local, domain };
	struct table_node *node;

	start_lists();
	node = table_find(&remotes, hash, is_pair, &key);
	return node != NULL ? container_of(node, struct remote, node) : NULL;
}

struct remote *
remote_find(const char *local, const char *domain)
{
	return find(sc_span(local), sc_span(domain), pair_hash(sc_span(local), sc_span(domain)));
}

static void
move(struct remote *r, enum remote_state to)
{
	r->state = (uint8_t)to;
	r->since = clock_wall();
}

static struct remote *
get(struct sc_span local, struct sc_span domain)
{
	uint32_t hash = pair_hash(local, domain);
	struct remote *r = find(local, domain, hash);

	if (r != NULL)
		return r;
	r = calloc(1, sizeof *r + local.n + domain.n + 2);
	sc_assert(r != NULL);
	memcpy(r->text, local.p, local.n);
	memcpy(r->text + local.n + 1, domain.p, domain.n);
	r->local = r->text;
	r->domain = r->text + local.n + 1;
	r->pair = hash;
	outq_init(&r->q);
	r->q.keeps = true;
	link_init(&r->dirty);
	link_init(&r->behind);
	timeout_init(&r->timer, tick);
	timeout_init(&r->spill, spill);
	link_init(&r->all);
	link_append(&all, &r->all);
	table_insert(&remotes, &r->node, hash);
	move(r, remote_spool_known() ? REMOTE_IDLE : REMOTE_READING);
	STAT_INC(remotes_now);
	return r;
}

struct remote *
remote_get(const char *local, const char *domain)
{
	return get(sc_span(local), sc_span(domain));
}

static void
forget(struct remote *r)
{
	timeout_clear(&r->timer);
	timeout_clear(&r->spill);
	table_remove(&remotes, &r->node);
	link_remove(&r->all);
	link_remove(&r->dirty);
	STAT_DEC(remotes_now);
	free(r);
}

void
remote_each(void (*see)(void *arg, struct remote *), void *arg)
{
	start_lists();
	list_each(&all, it, tmp)
		see(arg, container_of(it, struct remote, all));
}

bool
remote_is_quiet(const struct remote *r)
{
	return r->q.first == NULL && r->q.flying == NULL && link_alone(&r->behind);
}

/* --- errors --- */

bool
remote_is_kept(const struct sc_stanza *s)
{
	return sc_kind(s) == SC_MESSAGE && (sc_type(s) == SC_TYPE_NORMAL || sc_type(s) ==
		SC_TYPE_CHAT);
}

/* Presence is sent to everybody in a roster, and nobody wants an error for each: only who asked
 * for something hears. */
static bool
wants_error(const struct sc_stanza *s)
{
	if (sc_kind(s) != SC_PRESENCE)
		return true;
	return sc_type(s) == SC_TYPE_SUBSCRIBE || (sc_type(s) == SC_TYPE_AVAILABLE &&
		sc_find(s, NS_MUC, "x") != NULL);
}

static void
refuse(const struct sc_stanza *s, struct custody *custody, enum sc_cond cond, const char *text)
{
	STAT_INC(remote_bounced);
	if (wants_error(s))
		route_failed(s, custody, cond, text);
	else
		STAT_INC(stanzas_dropped);
}

void
remote_bounce(struct remote *r, struct outq_item *item, enum sc_cond cond, const char *text)
{
	refuse(item->stanza, item->custody, cond, text);
	(void)outq_withdraw(&r->q, item);
}

static void
refuse_parcel(struct parcel *p, enum sc_cond cond, const char *text)
{
	refuse(p->stanza, p->custody, cond, text);
	sc_stanza_free(&p->stanza);
	custody_release(p->custody);
	free(p);
}

/* Everything, or only what cannot wait for long. */
static void
bounce_all(struct remote *r, bool also_kept, enum sc_cond cond, const char *text)
{
	struct outq_item *next;

	for (struct outq_item *item = r->q.first; item != NULL; item = next) {
		next = item->next;
		if (also_kept || !remote_is_kept(item->stanza))
			remote_bounce(r, item, cond, text);
	}
}

static void
bounce_old(struct remote *r)
{
	int64_t now = clock_wall();
	struct outq_item *next;

	for (struct outq_item *item = r->q.first; item != NULL; item = next) {
		int64_t limit = remote_is_kept(item->stanza) ? remote_limits.age_ms :
			remote_limits.short_ms;

		next = item->next;
		if (now - item->since >= limit * 1000)
			remote_bounce(r, item, SC_COND_REMOTE_SERVER_TIMEOUT, r->why[0] != '\0' ?
				r->why :
				"The other server could not be reached in time.");
	}
}

/* --- what comes in for the pair --- */

static void
mark_dirty(struct remote *r)
{
	if (link_alone(&r->dirty))
		link_append(&dirty, &r->dirty);
}

/* Without a stream somebody must look now and then. */
static void
look_after(struct remote *r)
{
	if (r->state != REMOTE_UP && !timeout_armed(&r->timer) &&
		(!remote_is_quiet(r) || r->state == REMOTE_RESTING))
		timeout_set(&r->timer, TICK_MS);
}

static void
begin_connecting(struct remote *r)
{
	r->tried = clock_mono();
	move(r, REMOTE_CONNECTING);
	look_after(r);
	remote_ops->connect(r);
}

void
remote_try_now(struct remote *r)
{
	r->backoff_ms = 0;
	if (r->state == REMOTE_RESTING || (r->state == REMOTE_IDLE && !remote_is_quiet(r)))
		begin_connecting(r);
}

static bool
is_full(const struct remote *r)
{
	return r->q.n + r->q.n_flying + r->n_behind >= remote_limits.stanzas || r->q.bytes >=
		remote_limits.bytes;
}

/* Promise 1 is about messages. Who asked by an IQ notices when no answer comes, and presence is
 * said again; neither may hold its sender's `h` while a server is looked for. */
static bool
is_promised(const struct sc_stanza *s)
{
	return sc_kind(s) == SC_MESSAGE && sc_type(s) != SC_TYPE_HEADLINE &&
		sc_type(s) != SC_TYPE_ERROR;
}

static void
append(struct remote *r, struct parcel *p)
{
	struct outq_item *item;

	sc_seal(p->stanza);
	if (!is_promised(p->stanza)) {
		custody_release(p->custody);
		p->custody = NULL;
	}
	item = outq_append(&r->q, p->stanza, OUTQ_TO_STANZA, NULL, 0, p->custody, NULL, NULL, NULL);
	if ((item->custody != NULL || remote_is_kept(item->stanza)) && !timeout_armed(&r->spill))
		timeout_set(&r->spill, remote_limits.spill_ms);
	sc_stanza_free(&p->stanza);
	free(p);
}

static void
take(struct remote *r, struct parcel *p)
{
	if (is_full(r)) {
		STAT_INC(limit_remote_queue);
		refuse_parcel(p, SC_COND_RESOURCE_CONSTRAINT,
			"Too much is waiting for this server.");
		return;
	}
	if (r->state == REMOTE_READING) {
		link_append(&r->behind, &p->link);
		r->n_behind++;
		return;
	}
	if (r->state == REMOTE_RESTING && clock_mono() - r->tried < TRY_ANYWAY_US &&
		!remote_is_kept(p->stanza)) {
		refuse_parcel(p, SC_COND_REMOTE_SERVER_TIMEOUT, r->why[0] != '\0' ? r->why : NULL);
		return;
	}
	append(r, p);
	if (r->state == REMOTE_UP)
		mark_dirty(r);
	else if (shard.stopping)
		return;                 /* it gets a row, and is sent after the start */
	else if (r->state == REMOTE_IDLE || (r->state == REMOTE_RESTING &&
		clock_mono() - r->tried >= TRY_ANYWAY_US))
		begin_connecting(r);
	else
		look_after(r);
}

/* The rows from before are in the queue: what came meanwhile follows. */
void
remote_read(struct remote *r)
{
	move(r, REMOTE_IDLE);
	list_each(&r->behind, it, tmp) {
		struct parcel *p = container_of(it, struct parcel, link);

		link_remove(&p->link);
		r->n_behind--;
		append(r, p);
	}
	if (remote_is_quiet(r))
		return;
	if (remote_ops != NULL)
		begin_connecting(r);
	else
		bounce_all(r, true, SC_COND_REMOTE_SERVER_NOT_FOUND, NULL);
}

/* Somebody who writes to more and more domains makes a pair of each. */
static bool
is_one_too_many(struct sc_span local, struct sc_span domain)
{
	return find(local, domain, pair_hash(local, domain)) == NULL &&
		stats_sum(STAT_remotes_now) >= (int64_t)remote_limits.pairs;
}

static void
arrived(struct letter *letter)
{
	struct parcel *p = container_of(letter, struct parcel, letter);
	struct sc_span local = sc_jid_domain(sc_from(p->stanza));
	struct sc_span domain = sc_jid_domain(sc_to(p->stanza));

	if (is_one_too_many(local, domain)) {
		STAT_INC(limit_remotes);
		refuse_parcel(p, SC_COND_RESOURCE_CONSTRAINT,
			"This server deals with too many others right now.");
	} else {
		take(get(local, domain), p);
	}
	route_run();
}

void
remote_post(struct parcel *p)
{
	struct sc_span from = sc_jid_domain(sc_from(p->stanza)), to =
		sc_jid_domain(sc_to(p->stanza));
	const char *why;

	if (route_serves(from) == NULL) {       /* nobody's voice but our own goes out */
		STAT_INC(stanzas_dropped);
		sc_stanza_free(&p->stanza);
		custody_release(p->custody);
		free(p);
		return;
	}
	why = remote_ops == NULL ? "" : remote_ops->refuses(from, to);
	if (why != NULL) {
		refuse_parcel(p, SC_COND_REMOTE_SERVER_NOT_FOUND, *why != '\0' ? why : NULL);
		return;
	}
	p->letter = (struct letter){ .open = arrived, .weight = sizeof *p +
		stanza_weight(p->stanza) };
	if (home_of_pair(from, to) == loop_id())
		arrived(&p->letter);
	else
		mailbox_post(home_of_pair(from, to), &p->letter);
}

/* --- what goes out --- */

static void
write_some(struct remote *r)
{
	struct buf b = { 0 };
	bool waited = false;
	int n;

	while (r->stream != NULL && r->q.first != NULL &&
		remote_ops->waiting(r->stream) < WAITING_BYTES) {
		n = outq_write(&r->q, &b, (struct sc_span){ 0 }, WRITE_BYTES, false, &waited);
		r->sent += n;
		stats_add(STAT_remote_out, n);
		if (r->asked_at == 0)
			r->asked_at = clock_mono();
		remote_ops->write(r->stream, b.p, b.n);
		b.n = 0;
		if (r->stream != NULL)
			remote_ops->wrote(r->stream, n);
	}
	buf_free(&b);
	remote_landed(r);
}

void
remote_flush(void)
{
	struct link now;

	start_lists();
	link_init(&now);
	list_each(&dirty, it, tmp) {
		link_remove(it);
		link_append(&now, it);
	}
	while (!link_alone(&now)) {
		struct remote *r = container_of(now.next, struct remote, dirty);

		link_remove(&r->dirty);
		if (r->state == REMOTE_UP)
			write_some(r);
	}
}

void
remote_landed(struct remote *r)
{
	if (r->stream == NULL)
		return;
	outq_landed(&r->q, remote_ops->waiting(r->stream));
	if (r->q.flying == NULL)
		r->asked_at = 0;
	if (r->q.first != NULL && remote_ops->waiting(r->stream) < WAITING_BYTES)
		mark_dirty(r);
}

bool
remote_acked(struct remote *r, uint32_t h)
{
	if (!outq_ack(&r->q, h))
		return false;
	r->asked_at = r->q.flying != NULL ? clock_mono() : 0;
	return true;
}

/* --- streams come and go --- */

void
remote_up(struct remote *r, void *stream, bool counts, bool resumed)
{
	sc_assert(r->stream == NULL);
	outq_rewind(&r->q);
	if (!resumed)
		r->q.sent = r->q.acked = 0;
	r->q.counts = counts;
	r->q.written = 0;
	r->stream = stream;
	r->backoff_ms = 0;
	r->why[0] = '\0';
	r->asked_at = 0;
	timeout_clear(&r->timer);
	move(r, REMOTE_UP);
	mark_dirty(r);
}

static void
rest(struct remote *r)
{
	int64_t ms = r->backoff_ms == 0 ? remote_limits.backoff_ms : r->backoff_ms * 2;

	r->backoff_ms = ms < remote_limits.backoff_max_ms ? ms : remote_limits.backoff_max_ms;
	/* Not all at the same moment, when a large server comes back. */
	r->next_try = clock_mono() + r->backoff_ms * 750 +
		(int64_t)(rand_u64() % (uint64_t)(r->backoff_ms * 500 + 1));
	move(r, REMOTE_RESTING);
	look_after(r);
}

static void
say_why(struct remote *r, const char *why)
{
	if (why != NULL)
		snprintf(r->why, sizeof r->why, "%s", why);
}

void
remote_down(struct remote *r, const char *why)
{
	sc_assert(r->stream != NULL);
	r->stream = NULL;
	link_remove(&r->dirty);
	say_why(r, why);
	if (r->resume[0] == '\0') {
		outq_rewind(&r->q);
		r->q.counts = false;
	}
	move(r, REMOTE_IDLE);
	if (remote_is_quiet(r)) {
		r->resume[0] = '\0';
		return;
	}
	if (shard.stopping)
		return;
	/* A stream that ends as soon as it has begun must not be made again and again without a
	 * pause. */
	if (clock_mono() - r->tried < remote_limits.backoff_ms * 1000)
		rest(r);
	else
		begin_connecting(r);
}

void
remote_failed(struct remote *r, bool certain, const char *why)
{
	if (r->state != REMOTE_CONNECTING)
		return;
	say_why(r, why);
	if (r->why[0] == '\0')
		say_why(r, "The other server cannot be reached.");
	STAT_INC(remote_failures);
	sc_log(NULL, SC_LOG_INFO, "s2s.cannot_connect", "local=%s remote=%s waiting=%u why=\"%s\"",
		r->local, r->domain, r->q.n, r->why);
	if (certain) {
		remote_forget_flying(r);
		bounce_all(r, true, SC_COND_REMOTE_SERVER_NOT_FOUND, r->why);
		move(r, REMOTE_IDLE);
	} else {
		bounce_all(r, false, SC_COND_REMOTE_SERVER_TIMEOUT, r->why);
		rest(r);
	}
}

/* RFC 6120 §8.2.3: an IQ is answered once; nobody knows whether the other side has begun. A
 * message twice is better than none. */
void
remote_forget_flying(struct remote *r)
{
	uint32_t n = r->q.n_flying;
	struct outq_item *next;

	r->resume[0] = '\0';
	outq_rewind(&r->q);
	for (struct outq_item *item = r->q.first; item != NULL && n > 0; item = next, n--) {
		next = item->next;
		if (sc_kind(item->stanza) == SC_IQ)
			remote_bounce(r, item, SC_COND_REMOTE_SERVER_TIMEOUT,
				"The connection broke; it is not known whether this arrived.");
	}
}

/* --- waiting --- */

/* Who can resume comes back soon, or never. */
static bool
waits_to_resume(const struct remote *r)
{
	return r->q.flying != NULL &&
		clock_wall() - r->q.flying->since < remote_limits.short_ms * 1000;
}

static void
tick(struct timeout *t)
{
	struct remote *r = container_of(t, struct remote, timer);

	if (r->state == REMOTE_UP)
		return;
	if (r->q.flying != NULL && !waits_to_resume(r))
		remote_forget_flying(r);
	bounce_old(r);
	if (r->state == REMOTE_RESTING && clock_mono() >= r->next_try) {
		if (remote_is_quiet(r)) {
			r->backoff_ms = 0;
			move(r, REMOTE_IDLE);
		} else {
			begin_connecting(r);
		}
	}
	look_after(r);
	route_run();
}

/* again: one of them will need a row soon. What is written and nobody waits for gets none. */
static void
spill_list(struct remote *r, struct outq_item *first, bool written, bool *again)
{
	int64_t now = clock_wall();

	for (struct outq_item *item = first; item != NULL; item = item->next) {
		if (remote_has_row(item) || item->stanza == NULL ||
			!(item->custody != NULL || (!written && remote_is_kept(item->stanza))))
			continue;
		if (now - item->since < remote_limits.spill_ms * 1000)
			*again = true;
		else
			remote_spool_item(r, item);
	}
}

static void
spill(struct timeout *t)
{
	struct remote *r = container_of(t, struct remote, spill);
	bool again = false;

	spill_list(r, r->q.flying, true, &again);
	spill_list(r, r->q.first, false, &again);
	if (again)
		timeout_set(&r->spill, remote_limits.spill_ms);
}

static void
keep_pair(void *arg, struct remote *r)
{
	int64_t soon = remote_limits.spill_ms;

	(void)arg;
	remote_limits.spill_ms = 0;
	spill(&r->spill);
	remote_limits.spill_ms = soon;
}

void
remote_keep_all(void)
{
	remote_each(keep_pair, NULL);
}

bool
remote_settled(void)
{
	return remote_spool_busy() == 0;
}

static void
sweep(void *arg, struct remote *r)
{
	(void)arg;
	if (r->state == REMOTE_IDLE && remote_is_quiet(r) && !timeout_armed(&r->spill) &&
	    clock_wall() - r->since > FORGET_US)
		forget(r);
}

void
remote_sweep(void)
{
	remote_each(sweep, NULL);
}

void
remote_start(void)
{
	start_lists();
	remote_spool_start();
}

static void
stop(void *arg, struct remote *r)
{
	(void)arg;
	list_each(&r->behind, it, tmp) {
		struct parcel *p = container_of(it, struct parcel, link);

		link_remove(&p->link);
		sc_stanza_free(&p->stanza);
		custody_release(p->custody);
		free(p);
	}
	r->resume[0] = '\0';
	outq_clear(&r->q, NULL, NULL);
	forget(r);
}

void
remote_stop(void)
{
	remote_spool_stop();
	start_lists();
	remote_each(stop, NULL);
	table_free(&remotes);
	started = false;
}
