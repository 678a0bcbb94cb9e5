/* SPDX-License-Identifier: MIT */
/* c2s_sm: the elements of stream management (XEP-0198 1.6.3) on a client's stream. What they set in
 * motion is core/sm.c's. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "core/entity.h"
#include "core/route.h"
#include "core/sleep.h"
#include "core/sm.h"
#include "net/loop.h"
#include "stream/sasl2.h"
#include "stream/stream.h"
#include "stream/words.h"
#include "xmpp/ns.h"

void
c2s_sm_failed(struct buf *b, const char *condition)
{
	buf_format(b, "<failed xmlns='" NS_SM "'><%s xmlns='" NS_STANZA_ERRORS "'/></failed>",
		condition);
}

static void
failed(struct stream *s, const char *condition)
{
	struct buf b = { 0 };

	c2s_sm_failed(&b, condition);
	stream_write_buf(s, &b);
}

static void
too_high(struct stream *s, uint32_t h, uint32_t sent)
{
	char extra[128], text[128];

	snprintf(extra, sizeof extra, "<handled-count-too-high xmlns='"
		NS_SM "' h='%u' send-count='%u'/>", h, sent);
	snprintf(text, sizeof text, "You acknowledged %u stanzas, but I only sent you %u so far.",
		h, sent);
	s->farewell = true;
	stream_error_with(s, "undefined-condition", text, extra);
}

/* Its number is no proof of anything, now or when it is named again. */
static void
disagree(struct sc_session *session)
{
	struct sc_ev_session ev = { session };

	hook_fire(SC_EV_session_disagreed, session->entity->host, session->entity, session, &ev);
}

/* --- enable --- */

void
c2s_sm_enable(struct stream *s, const struct sc_elem *e, struct buf *b)
{
	const char *max = sc_attr(e, "max");
	uint64_t seconds = 0;
	bool resume = words_are_true(sc_attr(e, "resume")) && !s->anonymous;
	struct sm *sm;

	if (s->state != STREAM_BOUND || s->session->sm != NULL) {
		c2s_sm_failed(b, "unexpected-request");
		return;
	}
	if (max != NULL && !sc_read_number(max, 1000000, &seconds))
		seconds = 0;
	session_flush_dirty();          /* what was sent before is not counted */
	sm = sm_enable(s->session, resume, (int64_t)seconds * 1000);
	buf_text(b, "<enabled xmlns='" NS_SM "'");
	if (resume)
		buf_format(b, " id='%s' resume='true' max='%lld'", sm->id,
			(long long)(sm->max_ms / 1000));
	buf_text(b, "/>");
}

static void
enable(struct stream *s, const struct sc_elem *e)
{
	struct buf b = { 0 };

	c2s_sm_enable(s, e, &b);
	stream_write_buf(s, &b);
}

/* --- acknowledgements --- */

static void
asked(struct stream *s)
{
	struct buf b = { 0 };

	buf_format(&b, "<a xmlns='" NS_SM "' h='%u'/>", s->session->prefix.handled);
	sm_was_asked(s->session);
	stream_write_buf(s, &b);
}

static void
acknowledged(struct stream *s, const struct sc_elem *e)
{
	uint32_t h;

	if (!words_read_h(e, &h))
		stream_error(s, "invalid-xml", "<a/> has an attribute h with a number.");
	else if (sm_acked(s->session, h))
		session_drained(s->session);
	else {
		disagree(s->session);
		too_high(s, h, s->session->outq.sent);
	}
}

/* --- resume --- */

struct resume {
	struct entity_wait wait;
	struct sm_wait settle;
	struct stream *stream;          /* counted */
	struct sc_session *session;     /* counted, while its row is deleted */
	uint32_t h;
	char *previd;
	void (*resumed)(struct stream *, struct sc_session *, const char *why_not);
};

/* The stream that the session was on, if it still lives, is told and loses it. */
static void
part_from_old_stream(struct sc_session *session)
{
	struct stream *old = session->stream;

	if (old == NULL)
		return;
	sm_sleep(session);
	old->session = NULL;
	session_unref(session);
	stream_error(old, "conflict", "The session was resumed on another stream.");
}

static void
attach(struct stream *s, struct sc_session *session)
{
	session_ref(session);           /* the stream's */
	s->session = session;
	session->stream = s;
	session->ops = &stream_session_ops;
	if (s->agent != NULL) {         /* the same client, or one that has got its session */
		free(session->agent);
		session->agent = s->agent;
		s->agent = NULL;
	}
	stream_move(s, STREAM_BINDING);
	stream_move(s, STREAM_BOUND);
	timeout_clear(&s->timeout);
	conn_priority(s->conn, LOOP_PRIORITY_BOUND);
	sc_log(NULL, SC_LOG_DEBUG, "session.resumed", "jid=%s peer=%s", session->jid.text,
		conn_peer_text(s->conn));
}

/* session: NULL when there is none. */
static void
resume_end(struct resume *r, struct sc_session *session)
{
	struct stream *s = r->stream;

	if (stream_is_open(s)) {
		stream_unblock(s);      /* whoever is told may block it anew */
		if (session != NULL)
			attach(s, session);
		r->resumed(s, session, session == NULL ? "item-not-found" : NULL);
	}
	free(r->previd);
	free(r);
	stream_unref(s);
	route_run();
}

/* The row that said how it slept is gone: it can wake up. The session may have ended while that was
 * written down. */
static void
row_gone(void *arg, bool ok)
{
	struct resume *r = arg;
	struct sc_session *session = r->session;

	r->session = NULL;
	resume_end(r, ok && !session->ending && !session->gone &&
		session->stream == NULL ? session : NULL);
	session_unref(session);
}

static void
settled(struct sm_wait *w, struct sc_session *session)
{
	struct resume *r = container_of(w, struct resume, settle);

	if (session == NULL) {
		resume_end(r, NULL);
		return;
	}
	r->session = session;
	session_ref(session);
	sleep_ends(session, row_gone, r);
}

static void
rows_deleted(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct resume *r = ctx->arg;

	ctx_free(ctx);
	/* It would bind anew and be sent again what it has: let it come again with its number when
	 * the database is there. */
	if (verdict != SC_PASS && stream_is_open(r->stream))
		stream_error(r->stream, "resource-constraint",
			"Your session cannot be looked up right now.");
	resume_end(r, NULL);
}

/* What the client got of a session that is no more is not sent again. */
static void
use_h(struct resume *r, struct sc_entity *e)
{
	struct sc_ctx *ctx = ctx_new(e->host, e, NULL);
	struct sc_ev_resume *ev = sc_alloc(sc_arena(ctx), sizeof *ev);

	*ev = (struct sc_ev_resume){ e, r->previd, r->h };
	ctx->payload = ev;
	ctx->arg = r;
	ctx->finished = rows_deleted;
	hook_run(ctx, SC_EV_resume_failed, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

/* The client's count is not ours: it had acknowledged more before, or acknowledges what it was
 * never sent. It would come again with the same number, so the session ends; what was not
 * acknowledged is for the next one. */
static void
cannot_agree(struct resume *r, struct sc_session *session)
{
	disagree(session);
	session_end(session);
	resume_end(r, NULL);
}

static void
resume_loaded(struct entity_wait *w, struct sc_entity *e)
{
	struct resume *r = container_of(w, struct resume, wait);
	struct sc_session *session = NULL;

	if (stream_is_open(r->stream) && e->state == ENTITY_READY)
		session = sm_find(e, r->previd);
	if (session == NULL) {
		if (e->state == ENTITY_READY)
			use_h(r, e);
		else
			resume_end(r, NULL);
		return;
	}
	part_from_old_stream(session);
	if (!sm_acked(session, r->h)) {
		too_high(r->stream, r->h, session->outq.sent);
		cannot_agree(r, session);
		return;
	}
	if (r->h != session->outq.acked) {
		cannot_agree(r, session);
		return;
	}
	r->settle.settled = settled;
	sm_when_settled(session, &r->settle);
}

void
c2s_sm_resumed(struct buf *b, const struct sc_session *session)
{
	buf_format(b, "<resumed xmlns='" NS_SM "' previd='%s' h='%u'/>", session->sm->id,
		session->prefix.handled);
}

static void
resumed(struct stream *s, struct sc_session *session, const char *why_not)
{
	struct buf b = { 0 };

	if (session == NULL) {
		failed(s, why_not);
		return;
	}
	c2s_sm_resumed(&b, session);
	stream_write_buf(s, &b);
	sm_wake(session);
}

void
c2s_sm_resume(struct stream *s, const struct sc_elem *e,
	void (*done)(struct stream *, struct sc_session *, const char *why_not))
{
	struct sc_arena *arena;
	struct resume *r;
	struct sc_entity *account;
	uint32_t h;

	if (s->state != STREAM_AUTHENTICATED) {
		done(s, NULL, "unexpected-request");
		return;
	}
	if (sc_attr(e, "previd") == NULL || !words_read_h(e, &h)) {
		done(s, NULL, "bad-request");
		return;
	}
	r = calloc(1, sizeof *r);
	sc_assert(r != NULL);
	r->stream = s;
	r->h = h;
	r->previd = strdup(sc_attr(e, "previd"));
	r->resumed = done;
	r->wait.loaded = resume_loaded;
	stream_ref(s);
	stream_block(s);
	arena = arena_new();
	account = entity_get(s->host, sc_jid_of(arena, sc_span(s->local),
		sc_jid_domain(sc_host_jid(s->host)), (struct sc_span){ 0 }));
	arena_free(arena);
	entity_ref(account);
	entity_when_loaded(account, &r->wait);
	entity_unref(account);
}

void
c2s_sm_element(struct stream *s, const struct sc_elem *e)
{
	const char *name = sc_name(e);

	if (sc_same(name, "enable"))
		enable(s, e);
	else if (sc_same(name, "resume"))
		c2s_sm_resume(s, e, resumed);
	else if (s->state != STREAM_BOUND || s->session->sm == NULL)
		failed(s, "unexpected-request");
	else if (sc_same(name, "r"))
		asked(s);
	else if (sc_same(name, "a"))
		acknowledged(s, e);
	else
		stream_error(s, "unsupported-stanza-type", NULL);
}
