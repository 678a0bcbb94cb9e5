/* SPDX-License-Identifier: MIT */
/* s2s_stream: what every stream with another server does: reading in turns, headers, errors,
 * ending, moving to its pair's shard. */
#include "config.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/route.h"
#include "net/loop.h"
#include "net/tls.h"
#include "stream/limits.h"
#include "stream/s2s.h"
#include "stream/ready.h"
#include "stream/s2s_inside.h"
#include "stream/words.h"
#include "xmpp/ns.h"

#define STANZAS_A_TURN 32
#define SAID_MAX 262144         /* what a stream may have said of itself without being read */
/* how long the other side may take to end a stream that we have ended */
#define ENDING_MS 5000
#define LAST_ACK_US 2000000    /* how long the server's end waits for one */
#define CLOSE_MS 2000           /* how long our last words may take to be read */
#define BURST_US 2000000        /* of the rate */

static _Thread_local struct link all, late;
static _Thread_local struct ready ready;
static _Thread_local int n_streams;
static _Thread_local bool started;
static _Atomic uint64_t last_number;

static void on_input(void *, const char *, size_t);
static void on_drained(void *);
static void on_secured(void *);
static void on_ended(void *, enum conn_end);

static const struct conn_ops ops = { on_input, on_drained, on_secured, on_ended };

static void
start_lists(void)
{
	if (started)
		return;
	started = true;
	link_init(&all);
	ready_init(&ready);
	link_init(&late);
}

int
s2s_here(void)
{
	return n_streams;
}

struct link *
s2s_all(void)
{
	start_lists();
	return &all;
}

/* --- state --- */

#define TO(s) (1u << (s))
#define ENDS (TO(S2S_ENDING) | TO(S2S_GONE))
static const uint16_t moves[] = {
	[S2S_NEW] = TO(S2S_OPEN) | TO(S2S_UP) | ENDS,
	[S2S_OPEN] = TO(S2S_TLS) | TO(S2S_AUTH) | TO(S2S_ENABLING) | TO(S2S_UP) | TO(S2S_MOVING) |
		ENDS,
	[S2S_TLS] = TO(S2S_NEW) | ENDS,
	[S2S_AUTH] = TO(S2S_NEW) | TO(S2S_AUTH) | TO(S2S_ENABLING) | TO(S2S_UP) | ENDS,
	[S2S_ENABLING] = TO(S2S_ENABLING) | TO(S2S_UP) | ENDS,
	[S2S_UP] = TO(S2S_NEW) | ENDS,
	[S2S_MOVING] = TO(S2S_UP) | TO(S2S_NEW) | ENDS,
	[S2S_ENDING] = TO(S2S_GONE),
	[S2S_GONE] = 0,
};

void
s2s_move(struct s2s *s, enum s2s_state to)
{
	sc_assert(moves[s->state] & TO(to));
	s->state = (uint8_t)to;
}

bool
s2s_is_open(const struct s2s *s)
{
	return s->state < S2S_ENDING;
}

const char *
s2s_proof_name(enum s2s_proof p)
{
	static const char *const names[] = { "", "certificate", "dane", "dialback" };

	return names[p];
}

void
s2s_why(struct s2s *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (s->why != NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	s->why = strdup(text);
	sc_assert(s->why != NULL);
}

/* --- life --- */

static void
on_time(struct timeout *t)
{
	struct s2s *s = container_of(t, struct s2s, timeout);

	s2s_ref(s);
	if (s->state == S2S_ENDING) {
		s2s_drop(s, NULL);
	} else if (s->state == S2S_UP) {
		s2s_look_after(s);
		if (s->state == S2S_UP)
			timeout_set(&s->timeout, S2S_LOOK_MS);
	} else {
		STAT_INC(limit_auth_time);
		s2s_why(s, s->kind == S2S_IN ? "It did not prove a domain in time." :
			"The other server did not answer in time.");
		s2s_error(s, "connection-timeout", NULL);
	}
	s2s_unref(s);
	route_run();
}

struct s2s *
s2s_new(enum s2s_kind kind, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
	struct s2s *s = calloc(1, sizeof *s);

	sc_assert(s != NULL);
	start_lists();
	s->refs = 1;
	s->kind = (uint8_t)kind;
	s->number = atomic_fetch_add(&last_number, 1) + 1;
	s->since = clock_wall();
	s->active = clock_mono();
	link_init(&s->in_shard);
	link_init(&s->ready);
	link_init(&s->late);
	link_init(&s->pairs);
	link_init(&s->verifies);
	link_append(&all, &s->in_shard);
	timeout_init(&s->timeout, on_time);
	s->conn = conn_new(fd, peer, peer_len, &ops, s);
	conn_peer_key(s->conn, s->address);
	s->xml = xml_in_new(s2s_limits(false));
	rand_token(s->id);
	timeout_set(&s->timeout, s2s_conf()->auth_timeout);
	n_streams++;
	STAT_INC(s2s_now);
	return s;
}

void
s2s_ref(struct s2s *s)
{
	s->refs++;
}

void
s2s_unref(struct s2s *s)
{
	sc_assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	sc_assert(s->state == S2S_GONE);
	list_each(&s->pairs, it, tmp) {
		link_remove(it);
		free(container_of(it, struct s2s_pair, link));
	}
	free(s->local);
	free(s->domain);
	free(s->peer_id);
	free(s->why);
	free(s);
}

void
s2s_set_proven(struct s2s *s)
{
	if (s->counted_unauth)
		limits_unauth_leave(s->address);
	s->counted_unauth = false;
	xml_in_limits(s->xml, s2s_limits(true));
	conn_priority(s->conn, LOOP_PRIORITY_BOUND);
}

static void
gone(struct s2s *s)
{
	bool was_up = s->state == S2S_UP;

	if (s->state == S2S_GONE)
		return;
	s2s_move(s, S2S_GONE);
	timeout_clear(&s->timeout);
	link_remove(&s->in_shard);
	link_remove(&s->ready);
	link_remove(&s->late);
	if (s->counted_unauth)
		limits_unauth_leave(s->address);
	if (s->counted_domain)
		s2s_domain_leave(s->domain);
	xml_in_free(&s->xml);
	n_streams--;
	STAT_DEC(s2s_now);
	sc_log(NULL, SC_LOG_DEBUG, "s2s.stream_ended", "stream=%llu local=%s remote=%s why=\"%s\"",
		(unsigned long long)s->number,
		s->local != NULL ? s->local : "", s->domain != NULL ? s->domain : "", s->why !=
			NULL ? s->why : "");
	s2s_dialback_gone(s);
	s2s_sm_gone(s, was_up);
	remote_in_gone(&s->in);
	if (s->remote != NULL) {
		struct remote *r = s->remote;

		s->remote = NULL;
		remote_down(r, s->why);
	}
	if (s->call != NULL)
		s2s_out_gone(s);
	s2s_unref(s);
}

/* --- pairs --- */

struct s2s_pair *
s2s_pair_find(const struct s2s *s, struct sc_span local, struct sc_span domain)
{
	for (const struct link *it = s->pairs.next; it != &s->pairs; it = it->next) {
		struct s2s_pair *p = container_of((struct link *)(uintptr_t)it, struct s2s_pair,
			link);

		if (sc_span_is(local, p->local) && sc_span_is(domain, p->domain))
			return p;
	}
	return NULL;
}

bool
s2s_pair_add(struct s2s *s, const char *local, const char *domain, enum s2s_proof how)
{
	struct s2s_pair *p = s2s_pair_find(s, sc_span(local), sc_span(domain));
	size_t l = strlen(local) + 1, d = strlen(domain) + 1;

	if (p != NULL)
		return true;
	if (s->n_pairs >= s2s_conf()->max_pairs) {
		STAT_INC(limit_s2s);
		return false;
	}
	p = calloc(1, sizeof *p + l + d);
	sc_assert(p != NULL);
	p->local = memcpy(p->text, local, l);
	p->domain = memcpy(p->text + l, domain, d);
	p->how = how;
	link_append(&s->pairs, &p->link);
	s->n_pairs++;
	return true;
}

/* --- writing --- */

void
s2s_write(struct s2s *s, const char *bytes, size_t n)
{
	if (s->conn == NULL || !s2s_is_open(s))
		return;
	conn_write(s->conn, bytes, n);
	s->said = conn_waiting(s->conn) > 0 ? s->said + (uint32_t)n : 0;
	if (s->said > SAID_MAX) {
		s2s_why(s, "It does not read what it is sent.");
		s2s_drop(s, NULL);
	}
}

void
s2s_write_buf(struct s2s *s, struct buf *b)
{
	s2s_write(s, b->p, b->n);
	buf_free(b);
}

void
s2s_send_header(struct s2s *s)
{
	struct buf b = { 0 };

	buf_text(&b, "<?xml version='1.0'?><stream:stream xmlns='" NS_SERVER "' "
		"xmlns:db='" NS_DIALBACK "' xmlns:stream='" NS_STREAMS "'");
	if (s->kind == S2S_IN)
		xml_write_attr(&b, "id", s->id);
	if (s->local != NULL)
		xml_write_attr(&b, "from", s->local);
	if (s->domain != NULL)
		xml_write_attr(&b, "to", s->domain);
	buf_text(&b, " version='1.0' xml:lang='en'>");
	s->header_sent = true;
	s2s_write_buf(s, &b);
}

/* --- ending --- */

void
s2s_drop(struct s2s *s, const char *why)
{
	if (s->state == S2S_GONE)
		return;
	if (why != NULL)
		s2s_why(s, "%s", why);
	if (s->remote != NULL)
		remote_landed(s->remote);
	if (s->conn != NULL)
		conn_close(&s->conn);
	gone(s);
}

void
s2s_error(struct s2s *s, const char *condition, const char *text)
{
	s2s_error_with(s, condition, text, "");
}

void
s2s_error_with(struct s2s *s, const char *condition, const char *text, const char *application)
{
	struct buf b = { 0 };

	if (s->state == S2S_GONE)
		return;
	STAT_INC(stream_errors_sent);
	s2s_why(s, "We ended the stream: %s%s%s", condition, text != NULL ? ": " : "", text !=
		NULL ? text : "");
	if (s->conn == NULL || s->state == S2S_TLS || s->state == S2S_ENDING ||
		(s->direct_tls && !conn_is_tls(s->conn))) {
		s2s_drop(s, NULL);
		return;
	}
	if (!s->header_sent)
		s2s_send_header(s);
	if (!s2s_is_open(s))
		return;
	words_end(&b, condition, text, application);
	if (s->remote != NULL)
		remote_landed(s->remote);
	conn_write(s->conn, b.p, b.n);
	buf_free(&b);
	conn_close_later(&s->conn, CLOSE_MS);
	gone(s);
}

/* Nothing more may be written for a pair on this stream. */
static void
part_from_remote(struct s2s *s)
{
	struct remote *r = s->remote;

	if (r == NULL)
		return;
	remote_landed(r);
	s->remote = NULL;
	r->resume[0] = '\0';            /* a stream that is closed cannot be resumed */
	remote_down(r, s->why);
}

/* RFC 6120 §4.4: what the other side has sent before it saw our end tag still counts. */
void
s2s_close(struct s2s *s)
{
	static const char end[] = "</stream:stream>";

	if (!s2s_is_open(s))
		return;
	if (s->state == S2S_TLS || !s->header_sent || conn_waiting(s->conn) > SAID_MAX) {
		s2s_drop(s, NULL);
		return;
	}
	s2s_sm_answer(s);
	if (!s2s_is_open(s))
		return;
	part_from_remote(s);
	conn_write(s->conn, end, sizeof end - 1);
	s2s_move(s, S2S_ENDING);
	timeout_set(&s->timeout, ENDING_MS);
	if (s->call != NULL)
		s2s_out_gone(s);
	if (s->blocked)
		s2s_unblock(s);
}

/* --- reading --- */

void
s2s_block(struct s2s *s)
{
	s->blocked = true;
	if (s->conn != NULL)
		conn_pause(s->conn);
}

void
s2s_unblock(struct s2s *s)
{
	s->blocked = false;
	if (s->conn == NULL)
		return;
	if (xml_in_unread(s->xml) > 0)
		ready_add(&ready, &s->ready);
	else
		conn_resume(s->conn);
}

void
s2s_restart(struct s2s *s)
{
	xml_in_restart(s->xml);
	s->header_sent = false;
	rand_token(s->id);
}

/* The other side ends a stream that we have not: we answer, after what is still on its way here. */
static void
footer(struct s2s *s)
{
	s2s_why(s, "The other server closed the stream.");
	if (s2s_is_open(s))
		s2s_close(s);
	if (s->state == S2S_ENDING) {
		if (s->conn != NULL)
			conn_close_later(&s->conn, CLOSE_MS);
		gone(s);
	}
}

static void
stream_error_came(struct s2s *s, const struct sc_elem *e)
{
	const struct sc_elem *cond = sc_first(e);
	struct sc_arena *arena = arena_new();
	const struct sc_elem *text = sc_child(e, NS_STREAM_ERRORS, "text");
	const char *words = text != NULL ? sc_text_in(arena, text) : "";

	s2s_why(s, "The other server ended the stream: %.60s%s%.120s", cond != NULL ?
		sc_name(cond) : "no reason given",
		*words != '\0' ? ": " : "", words);
	arena_free(arena);
	s2s_close(s);
}

static void
element(struct s2s *s, struct sc_arena *arena, struct sc_elem *root)
{
	if (words_are_stanza(root)) {
		s2s_stanza(s, arena, root);
		return;
	}
	if (sc_is(root, NS_STREAMS, "error"))
		stream_error_came(s, root);
	else if (s->state == S2S_ENDING)
		;
	else if (s->kind == S2S_IN)
		s2s_in_element(s, root);
	else
		s2s_out_element(s, root);
	arena_free(arena);
}

static bool
too_many_bytes(struct s2s *s)
{
	if (!s->counted_unauth || xml_in_total(s->xml) <= (uint64_t)s2s_conf()->max_unauth_bytes)
		return false;
	STAT_INC(limit_unauth_bytes);
	s2s_error(s, "policy-violation", "Too many bytes before proving a domain.");
	return true;
}

static void
header(struct s2s *s)
{
	const struct xml_header *h = xml_header(s->xml);

	if (s->state != S2S_NEW)
		s2s_error(s, "bad-format", "A stream header in the middle of a stream.");
	else if (!sc_same(h->ns, NS_STREAMS) || !sc_same(h->content_ns, NS_SERVER))
		s2s_error(s, "invalid-namespace", NULL);
	else if (!sc_same(h->name, "stream"))
		s2s_error(s, "bad-format", "The root of a stream is <stream/>.");
	else if (s->kind == S2S_IN)
		s2s_in_header(s, h);
	else
		s2s_out_header(s, h);
}

static bool
read_one(struct s2s *s)
{
	struct sc_arena *arena = NULL;
	struct sc_elem *root = NULL;

	switch (xml_next(s->xml, &arena, &root)) {
	case XML_MORE:
		too_many_bytes(s);
		return false;
	case XML_HEADER:
		header(s);
		break;
	case XML_STANZA:
		s->took++;
		element(s, arena, root);
		break;
	case XML_FOOTER:
		footer(s);
		return false;
	case XML_BAD:
		s2s_error(s, words_bad_xml(xml_error(s->xml)), xml_error_text(s->xml));
		return false;
	}
	return true;
}

static bool
reads(const struct s2s *s)
{
	return s->conn != NULL && s->state != S2S_GONE && !s->blocked && !s->slow;
}

/* Its rate is used up: the rest stays in the other server until the debt is small enough. */
static void
pay(struct s2s *s)
{
	int64_t rate = s2s_conf()->stanzas_per_second, now = clock_mono();

	if (rate == 0)
		return;
	s->debt = (s->debt > now ? s->debt : now) + (int64_t)s->took * 1000000 / rate;
	s->slow = s->debt - now > BURST_US;
	if (s->slow)
		STAT_INC(limit_s2s_rate);
}

void
s2s_read(struct s2s *s)
{
	bool more = true;

	s->took = 0;
	s2s_ref(s);
	while (more && reads(s) && s->took < STANZAS_A_TURN)
		more = read_one(s);
	if (s->conn != NULL && s->state != S2S_GONE) {
		xml_in_keep(s->xml);
		pay(s);
		if (!reads(s)) {
			conn_pause(s->conn);
			if (s->slow)
				ready_add(&ready, &s->ready);
		} else if (xml_in_unread(s->xml) > 0 && more) {
			conn_pause(s->conn);
			ready_add(&ready, &s->ready);
		} else {
			conn_resume(s->conn);
		}
	}
	s2s_unref(s);
}

/* Those that pay a debt are looked at every few milliseconds by this, not in every turn. */
static void
slow_ones(struct timeout *t)
{
	(void)t;
	loop_again();
}

static _Thread_local struct timeout slow_timer;

static void
read_on(struct link *item)
{
	struct s2s *s = container_of(item, struct s2s, ready);

	if (s->slow && s->debt - clock_mono() > BURST_US / 2) {
		link_append(&ready.list, item);
		if (timeout_armed(&slow_timer))
			return;
		timeout_init(&slow_timer, slow_ones);
		timeout_set(&slow_timer, 20);
		return;
	}
	s->slow = false;
	if (!s->blocked)
		s2s_read(s);
}

void
s2s_turn_start(void *arg)
{
	(void)arg;
	start_lists();
	ready_run(&ready, read_on);
}

static void
on_input(void *owner, const char *bytes, size_t n)
{
	struct s2s *s = owner;

	xml_in_feed(s->xml, bytes, n);
	if (mailbox_choked() || !reads(s)) {
		xml_in_keep(s->xml);
		conn_pause(s->conn);
		if (!s->blocked) {
			ready_add(&ready, &s->ready);
			ready_wait(&ready);
		}
		return;
	}
	s2s_read(s);
}

static void
on_drained(void *owner)
{
	struct s2s *s = owner;

	s->said = 0;
	if (s->remote != NULL)
		remote_landed(s->remote);
}

static void
on_secured(void *owner)
{
	struct s2s *s = owner;

	STAT_INC(tls_handshakes);
	timeout_set(&s->timeout, s2s_conf()->auth_timeout);
	if (s->state == S2S_TLS)
		s2s_move(s, S2S_NEW);
	s2s_ref(s);
	if (s->kind == S2S_IN)
		s2s_in_secured(s);
	else
		s2s_out_secured(s);
	if (s->state != S2S_GONE)
		s2s_unblock(s);
	s2s_unref(s);
	route_run();
}

static void
on_ended(void *owner, enum conn_end why)
{
	struct s2s *s = owner;

	if (why == CONN_TLS_FAILED)
		s2s_why(s, "TLS failed: %s", conn_error(s->conn));
	else if (s->state != S2S_ENDING)
		s2s_why(s, "The connection broke: %s", conn_error(s->conn));
	s2s_drop(s, NULL);
	route_run();
}

/* --- the end of a turn: moving, acknowledgements --- */

void
s2s_late(struct s2s *s)
{
	start_lists();
	if (link_alone(&s->late))
		link_append(&late, &s->late);
	loop_again();
}

static void
arrive(struct s2s *s)
{
	void (*moved)(struct s2s *) = s->moved;

	s->moved = NULL;
	s2s_ref(s);
	s->blocked = false;
	moved(s);
	if (s->state != S2S_GONE && !s->blocked)
		s2s_unblock(s);
	s2s_unref(s);
	route_run();
}

static void
arrived(struct letter *letter)
{
	struct s2s *s = container_of(letter, struct s2s, letter);

	start_lists();
	link_append(&all, &s->in_shard);
	n_streams++;
	STAT_INC(s2s_now);
	timeout_init(&s->timeout, on_time);
	timeout_set(&s->timeout, s2s_conf()->auth_timeout);
	conn_attach(s->conn, &ops, s);
	arrive(s);
}

static void
leave(struct s2s *s, int to)
{
	sc_assert(s->refs == 1 && link_alone(&s->verifies) && s->in == NULL && s->sm == NULL);
	timeout_clear(&s->timeout);
	link_remove(&s->in_shard);
	link_remove(&s->ready);
	xml_in_detach(s->xml);
	conn_detach(s->conn);
	n_streams--;
	STAT_DEC(s2s_now);
	s->letter = (struct letter){ .open = arrived, .weight = sizeof *s + conn_weight(s->conn) };
	mailbox_post(to, &s->letter);
}

void
s2s_turn_end(void *arg)
{
	(void)arg;
	start_lists();
	while (!link_alone(&late)) {
		struct s2s *s = container_of(late.next, struct s2s, late);
		int home;

		link_remove(&s->late);
		if (!s->moves) {
			s2s_sm_answer(s);
			continue;
		}
		s->moves = false;
		home = remote_home(s->local, s->domain);
		/* Who still asks about other keys of this stream waits here. */
		if (home == loop_id() || !link_alone(&s->verifies))
			arrive(s);
		else
			leave(s, home);
	}
}

/* --- ending many --- */

/* What was written and not acknowledged would be sent again after a restart: the other side is
 * asked before the stream is closed. */
static bool
waits_for_last_ack(struct s2s *s)
{
	const struct remote *r = s->remote;

	if (r == NULL || !r->q.counts || r->q.flying == NULL)
		return false;
	if (s->last_call == 0) {
		s->last_call = clock_mono();
		s2s_sm_wrote(s);
	}
	return clock_mono() - s->last_call < LAST_ACK_US;
}

void
s2s_shut_down(int max)
{
	start_lists();
	list_each(&all, it, tmp) {
		struct s2s *s = container_of(it, struct s2s, in_shard);

		if (s->state == S2S_MOVING || !s2s_is_open(s) || waits_for_last_ack(s))
			continue;
		if (max-- == 0)
			return;
		s2s_why(s, "This server ends.");
		s2s_close(s);
	}
}

static bool
is_allowed(const struct s2s *s)
{
	if (s->domain != NULL && s2s_policy_for(s->domain) == S2S_OFF)
		return false;
	return s->local == NULL || s2s_is_ours(s->local);
}

void
s2s_check_hosts(void)
{
	start_lists();
	list_each(&all, it, tmp) {
		struct s2s *s = container_of(it, struct s2s, in_shard);

		if (s->state != S2S_MOVING && s2s_is_open(s) && !is_allowed(s))
			s2s_error(s, s->local != NULL && !s2s_is_ours(s->local) ? "host-gone" :
				"policy-violation", NULL);
	}
}
