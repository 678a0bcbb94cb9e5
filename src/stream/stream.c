/* SPDX-License-Identifier: MIT */
/* stream: reading in turns, headers, stream errors, closing, and the move to another shard. */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/budget.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/route.h"
#include "net/loop.h"
#include "stream/limits.h"
#include "stream/login.h"
#include "stream/offer.h"
#include "stream/ready.h"
#include "stream/stream.h"
#include "stream/words.h"
#include "xmpp/ns.h"

#define STANZAS_A_TURN 32
#define SAID_MAX 65536          /* what a stream may have said without being read */
#define SHED_BYTES 16384        /* who holds less is not worth ending */
#define SHED_EVERY_US 20000     /* one stream */
/* half an element: after so long its parser goes back (design §6) */
#define PARSER_IDLE_MS 10000
#define CLOSE_MS 5000           /* how long our last words may take to be read */

static _Thread_local struct ready ready;        /* streams with input left from the last turn */
/* streams that move to their account's shard at the end of the turn */
static _Thread_local struct link leaving;
static _Thread_local struct link all;           /* every stream of this shard */
static _Thread_local int n_streams;
static _Thread_local bool started;

static void on_input(void *, const char *, size_t);
static void on_drained(void *);
static void on_secured(void *);
static void on_ended(void *, enum conn_end);

static const struct conn_ops ops = { on_input, on_drained, on_secured, on_ended };

static void
lists_start(void)
{
	if (started)
		return;
	started = true;
	ready_init(&ready);
	link_init(&leaving);
	link_init(&all);
}

int
streams_here(void)
{
	return n_streams;
}

/* --- state --- */

#define TO(s) (1u << (s))
static const uint16_t moves[] = {
	[STREAM_NEW] = TO(STREAM_OPEN) | TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_OPEN] = TO(STREAM_TLS) | TO(STREAM_AUTH) | TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_TLS] = TO(STREAM_NEW) | TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_AUTH] = TO(STREAM_OPEN) | TO(STREAM_MOVING) | TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_MOVING] = TO(STREAM_AUTHENTICATED) | TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_AUTHENTICATED] = TO(STREAM_BINDING) | TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_BINDING] = TO(STREAM_AUTHENTICATED) | TO(STREAM_BOUND) | TO(STREAM_CLOSING) |
		TO(STREAM_GONE),
	[STREAM_BOUND] = TO(STREAM_CLOSING) | TO(STREAM_GONE),
	[STREAM_CLOSING] = TO(STREAM_GONE),
	[STREAM_GONE] = 0,
};

void
stream_move(struct stream *s, enum stream_state to)
{
	sc_assert(moves[s->state] & TO(to));
	s->state = (uint8_t)to;
}

bool
stream_is_open(const struct stream *s)
{
	return s->state < STREAM_CLOSING;
}

/* --- life --- */

static void
too_late(struct timeout *t)
{
	struct stream *s = container_of(t, struct stream, timeout);

	if (s->state == STREAM_BOUND) {
		xml_in_idle(s->xml);
		return;
	}
	STAT_INC(limit_auth_time);
	stream_error(s, "connection-timeout", "Logging in took too long.");
}

/*
 * Before a login a stream may take 16 KiB an element and 64 KiB in all (reliability.md §0). Readers
 * on all shards look at these for as long as their streams live, so a reload makes new ones; there
 * are as many as different settings were in force, and they stay.
 */
struct limits {
	struct limits *older;
	struct xml_limits unauth, auth;
};
static _Atomic(struct limits *) limits_now;

static struct limits *
limits_make(uint32_t unauth, uint32_t auth, struct limits *older)
{
	struct limits *l = malloc(sizeof *l);

	sc_assert(l != NULL);
	*l = (struct limits){ older, { unauth, 4096, 64, 64, 32, 256 }, { auth, 16384, 64, 64,
		32, 256 } };
	return l;
}

static const struct limits *
limits_of_conf(void)
{
	uint32_t unauth = (uint32_t)c2s_conf()->max_stanza_unauth,
		auth = (uint32_t)c2s_conf()->max_stanza;
	struct limits *first = atomic_load(&limits_now), *l = NULL;

	do {
		for (struct limits *old = first; old != NULL; old = old->older)
			if (old->unauth.stanza_bytes == unauth && old->auth.stanza_bytes == auth) {
				free(l);
				return old;
			}
		if (l == NULL)
			l = limits_make(unauth, auth, NULL);
		l->older = first;
	} while (!atomic_compare_exchange_weak(&limits_now, &first, l));
	return l;
}

const struct xml_limits *
stream_limits_auth(void)
{
	return &limits_of_conf()->auth;
}

struct stream *
stream_new(int fd, const struct sockaddr *peer, socklen_t peer_len, bool direct_tls)
{
	struct stream *s = calloc(1, sizeof *s);

	sc_assert(s != NULL);
	lists_start();
	s->refs = 1;
	s->direct_tls = direct_tls;
	link_init(&s->ready);
	link_init(&s->in_shard);
	link_append(&all, &s->in_shard);
	timeout_init(&s->timeout, too_late);
	s->conn = conn_new(fd, peer, peer_len, &ops, s);
	conn_peer_key(s->conn, s->address);
	s->xml = xml_in_new(&limits_of_conf()->unauth);
	rand_token(s->id);
	timeout_set(&s->timeout, c2s_conf()->auth_timeout);
	n_streams++;
	STAT_INC(streams_now);
	return s;
}

void
stream_ref(struct stream *s)
{
	s->refs++;
}

void
stream_unref(struct stream *s)
{
	sc_assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	sc_assert(s->state == STREAM_GONE);
	free(s);
}

static void
stream_authenticated_now(struct stream *s)
{
	if (s->counted_unauth) {
		limits_unauth_leave(s->address);
		s->counted_unauth = false;
	}
}

/* The connection is closed or being closed by itself; everything that hung on the stream goes. */
static void
stream_gone(struct stream *s)
{
	struct sc_session *session = s->session;

	if (s->state == STREAM_GONE)
		return;
	stream_move(s, STREAM_GONE);
	timeout_clear(&s->timeout);
	link_remove(&s->ready);
	link_remove(&s->in_shard);
	stream_authenticated_now(s);
	login_forget(s);
	offer_forget(s);
	xml_in_free(&s->xml);
	free(s->local);
	s->local = NULL;
	free(s->agent);
	s->agent = NULL;
	s->session = NULL;
	n_streams--;
	STAT_DEC(streams_now);
	if (session != NULL) {
		if (s->farewell)
			session_end(session);
		else
			session_lost(session);
		session_unref(session);
	}
	stream_unref(s);
}

/* --- writing --- */

/* What the stream itself says: answers to a peer that reads them. The session's queue has limits of
 * its own. */
void
stream_write(struct stream *s, const char *bytes, size_t n)
{
	if (s->conn == NULL)
		return;
	conn_write(s->conn, bytes, n);
	s->said = conn_waiting(s->conn) > 0 ? s->said + (uint32_t)n : 0;
	if (s->said > SAID_MAX)
		stream_error(s, "policy-violation", "You do not read what you are sent.");
}

void
stream_write_buf(struct stream *s, struct buf *b)
{
	stream_write(s, b->p, b->n);
	buf_free(b);
}

void
stream_send_header(struct stream *s, const char *to)
{
	struct buf b = { 0 };

	buf_text(&b, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='"
		NS_STREAMS "'");
	xml_write_attr(&b, "id", s->id);
	if (s->host != NULL)
		xml_write_attr(&b, "from", sc_host_name(s->host));
	if (to != NULL)
		xml_write_attr(&b, "to", to);
	buf_text(&b, " version='1.0' xml:lang='en'>");
	s->header_sent = true;
	stream_write_buf(s, &b);
}

/* --- ending --- */

static void
close_with(struct stream *s, struct buf *last_words)
{
	/* What was queued for the session before goes out first. */
	if (s->session != NULL && s->state == STREAM_BOUND) {
		session_flush_dirty();
		session_landed(s->session);
	}
	if (s->conn == NULL) {
		buf_free(last_words);
		return;
	}
	stream_move(s, STREAM_CLOSING);
	conn_write(s->conn, last_words->p, last_words->n);
	buf_free(last_words);
	conn_close_later(&s->conn, CLOSE_MS);
	stream_gone(s);
}

void
stream_error(struct stream *s, const char *condition, const char *text)
{
	stream_error_with(s, condition, text, "");
}

/*
 * What went wrong on a stream says nothing against the session: it is unfinished (XEP-0198 §7), and
 * a client that may resume it hears which of its stanzas were handled, where a new session would
 * make it send them all again. An end is meant where somebody wants it (another session in its
 * place, an administrator, an account or a host that is no more), where the two sides count
 * differently, and where the session's memory is what we need.
 */
void
stream_farewell(struct stream *s, const char *condition, const char *text)
{
	s->farewell = true;
	stream_error(s, condition, text);
}

void
stream_error_with(struct stream *s, const char *condition, const char *text,
	const char *application)
{
	struct buf b = { 0 };

	if (!stream_is_open(s))
		return;
	STAT_INC(stream_errors_sent);
	/* in mid-handshake nothing can be said */
	if (s->conn == NULL || s->state == STREAM_TLS) {
		if (s->conn != NULL)
			conn_close(&s->conn);
		stream_gone(s);
		return;
	}
	if (!s->header_sent)
		stream_send_header(s, NULL);
	if (!stream_is_open(s))
		return;
	words_end(&b, condition, text, application);
	close_with(s, &b);
}

void
stream_close(struct stream *s)
{
	struct buf b = { 0 };

	if (!stream_is_open(s))
		return;
	s->farewell = true;
	buf_text(&b, "</stream:stream>");
	close_with(s, &b);
}

/* --- reading --- */

void
stream_block(struct stream *s)
{
	s->blocked = true;
	if (s->conn != NULL)
		conn_pause(s->conn);
}

void
stream_unblock(struct stream *s)
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
stream_restart(struct stream *s)
{
	xml_in_restart(s->xml);
	s->header_sent = false;
	rand_token(s->id);
}

static bool
too_many_bytes(struct stream *s)
{
	if (s->state >= STREAM_MOVING ||
	    xml_in_total(s->xml) <= (uint64_t)c2s_conf()->max_unauth_bytes)
		return false;
	STAT_INC(limit_unauth_bytes);
	stream_error(s, "policy-violation", "Too many bytes before logging in.");
	return true;
}

/* One event of the reader. False: nothing more to read now. */
static bool
read_one(struct stream *s)
{
	struct sc_arena *arena = NULL;
	struct sc_elem *root = NULL;

	switch (xml_next(s->xml, &arena, &root)) {
	case XML_MORE:
		too_many_bytes(s);
		return false;
	case XML_HEADER:
		c2s_header(s, xml_header(s->xml));
		break;
	case XML_STANZA:
		s->took++;
		STAT_INC(stanzas_in);
		c2s_element(s, arena, root);
		break;
	case XML_FOOTER:
		stream_close(s);
		return false;
	case XML_BAD:
		stream_error(s, words_bad_xml(xml_error(s->xml)), xml_error_text(s->xml));
		return false;
	}
	return true;
}

void
stream_read(struct stream *s)
{
	bool more = true;

	s->took = 0;
	stream_ref(s);
	while (more && stream_is_open(s) && !s->blocked && s->took < STANZAS_A_TURN)
		more = read_one(s);
	if (stream_is_open(s) && s->conn != NULL) {
		xml_in_keep(s->xml);
		if (s->state == STREAM_BOUND && xml_in_holds_parser(s->xml))
			timeout_set(&s->timeout, PARSER_IDLE_MS);
		if (!s->blocked && xml_in_unread(s->xml) > 0 && more) {
			conn_pause(s->conn);
			ready_add(&ready, &s->ready);
		} else if (!s->blocked) {
			conn_resume(s->conn);
		}
	}
	stream_unref(s);
}

static void
read_on(struct link *item)
{
	struct stream *s = container_of(item, struct stream, ready);

	if (!s->blocked)
		stream_read(s);
}

void
stream_turn_start(void *arg)
{
	(void)arg;
	lists_start();
	ready_run(&ready, read_on);
}

static void
on_input(void *owner, const char *bytes, size_t n)
{
	struct stream *s = owner;

	xml_in_feed(s->xml, bytes, n);
	if (mailbox_choked() || s->blocked) {
		xml_in_keep(s->xml);
		conn_pause(s->conn);
		if (!s->blocked) {
			ready_add(&ready, &s->ready);
			ready_wait(&ready);
		}
		return;
	}
	stream_read(s);
}

static void
on_drained(void *owner)
{
	struct stream *s = owner;

	s->said = 0;
	if (s->session != NULL)
		session_drained(s->session);
}

static void
on_secured(void *owner)
{
	c2s_secured(owner);
}

static void
on_ended(void *owner, enum conn_end why)
{
	struct stream *s = owner;

	if (why == CONN_TLS_FAILED)
		sc_log(NULL, SC_LOG_DEBUG, "stream.tls_failed", "peer=%s why=\"%s\"",
			conn_peer_text(s->conn), conn_error(s->conn));
	stream_drop(s);
}

void
stream_drop(struct stream *s)
{
	if (s->session != NULL)
		session_landed(s->session);
	if (s->conn != NULL)
		conn_close(&s->conn);
	stream_gone(s);
	route_run();
}

/* --- moving --- */

/* Hosts are structs of their shard; the name does not change. The host may have gone while the
 * stream was on its way. */
static void
at_home(struct stream *s)
{
	s->host = sc_host_find(sc_jid_domain(sc_host_jid(s->host)));
	s->blocked = false;
	if (s->host == NULL)
		stream_farewell(s, "host-gone", NULL);
	else
		c2s_at_home(s);
}

static void
stream_arrived(struct letter *letter)
{
	struct stream *s = container_of(letter, struct stream, letter);

	lists_start();
	link_append(&all, &s->in_shard);
	n_streams++;
	STAT_INC(streams_now);
	timeout_init(&s->timeout, too_late);
	timeout_set(&s->timeout, c2s_conf()->auth_timeout);
	conn_attach(s->conn, &ops, s);
	at_home(s);
}

/* Not in the middle of a turn: whoever is still looking at the stream would do it from the wrong
 * thread. */
void
stream_go_home(struct stream *s)
{
	stream_authenticated_now(s);
	stream_block(s);
	link_remove(&s->ready);
	link_append(&leaving, &s->ready);
	loop_again();
}

static void
leave(struct stream *s)
{
	sc_assert(s->refs == 1);
	timeout_clear(&s->timeout);
	link_remove(&s->in_shard);
	xml_in_detach(s->xml);
	conn_detach(s->conn);
	n_streams--;
	STAT_DEC(streams_now);
	s->letter = (struct letter){ .open = stream_arrived, .weight = sizeof *s +
		conn_weight(s->conn) };
	mailbox_post(s->home, &s->letter);
}

static size_t
memory_of(const struct stream *s)
{
	return (s->xml != NULL ? xml_in_weight(s->xml) : 0) +
		(s->conn != NULL ? conn_waiting(s->conn) : 0) +
		(s->session != NULL ? s->session->outq.bytes : 0);
}

/* Over the memory limit (design §6 Budget): who holds the most goes, one at a time, so that the
 * others can go on. */
static void
shed(void)
{
	static _Thread_local int64_t next;
	struct stream *largest = NULL;
	size_t most = SHED_BYTES;

	if (budget_level() != BUDGET_FULL || clock_mono() < next)
		return;
	next = clock_mono() + SHED_EVERY_US;
	list_each(&all, it, tmp) {
		struct stream *s = container_of(it, struct stream, in_shard);

		if (stream_is_open(s) && s->state != STREAM_MOVING && memory_of(s) > most) {
			most = memory_of(s);
			largest = s;
		}
	}
	if (largest == NULL) {
		session_shed();
		return;
	}
	STAT_INC(shed_queues);
	sc_log(NULL, SC_LOG_WARN, "memory.shed", "peer=%s bytes=%zu", conn_peer_text(largest->conn),
		most);
	stream_farewell(largest, "resource-constraint", "The server is short of memory.");
	route_run();
}

void
stream_turn_end(void *arg)
{
	(void)arg;
	lists_start();
	shed();
	while (!link_alone(&leaving)) {
		struct stream *s = container_of(leaving.next, struct stream, ready);

		link_remove(&s->ready);
		if (s->home == loop_id()) {
			at_home(s);
		} else {
			leave(s);
		}
	}
}

void
streams_shut_down(const char *condition, int max)
{
	lists_start();
	list_each(&all, it, tmp) {
		if (max-- == 0)
			return;
		stream_error(container_of(it, struct stream, in_shard), condition, NULL);
	}
}

void
streams_check_hosts(void)
{
	lists_start();
	list_each(&all, it, tmp) {
		struct stream *s = container_of(it, struct stream, in_shard);

		/* One that waits for the end of the turn to go home is told by whoever it comes
		 * to. */
		if (s->host != NULL && s->host->gone && s->state != STREAM_MOVING)
			stream_farewell(s, "host-gone", NULL);
	}
}
