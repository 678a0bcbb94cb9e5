/* SPDX-License-Identifier: MIT */
/* bind: resource binding (RFC 6120 §7, and within a login XEP-0386), on the account's home. The
 * account is loaded first, then modules may refuse or wait. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/entity.h"
#include "core/route.h"
#include "net/loop.h"
#include "plugin/hook.h"
#include "stream/stream.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

/* One bind under way; the stream may end meanwhile. */
struct bind {
	struct entity_wait wait;
	struct stream *stream;          /* counted */
	struct bind_wish wish;
	struct sc_session *session;     /* while the hooks look at it */
};

/* --- what the core calls --- */

static void
write_bytes(void *stream, const char *bytes, size_t n)
{
	const struct stream *s = stream;

	if (s->conn != NULL)
		conn_write(s->conn, bytes, n);
}

static size_t
bytes_waiting(const void *stream)
{
	const struct stream *s = stream;

	return s->conn != NULL ? conn_waiting(s->conn) : SIZE_MAX;
}

static void
close_stream(void *stream, const char *condition, const char *text)
{
	stream_farewell(stream, condition, text);
}

static void
drop_stream(void *stream)
{
	stream_drop(stream);
}

static void
pause_stream(void *stream)
{
	stream_block(stream);
}

static void
resume_stream(void *stream)
{
	stream_unblock(stream);
}

static const char *
peer_of(const void *stream)
{
	const struct stream *s = stream;

	return s->conn != NULL ? conn_peer_text(s->conn) : "-";
}

const struct session_ops stream_session_ops = {
	.write = write_bytes, .waiting = bytes_waiting, .close = close_stream, .drop = drop_stream,
	.pause = pause_stream, .resume = resume_stream,
	.peer = peer_of,
};

/* --- ends --- */

static void
bind_end(struct bind *b)
{
	struct stream *s = b->stream;

	sc_stanza_free(&b->wish.iq);
	free(b->wish.resource);
	free(b);
	if (stream_is_open(s))
		stream_unblock(s);
	stream_unref(s);
	route_run();
}

static void
bind_refuse(struct bind *b, enum sc_cond cond, const char *text)
{
	struct stream *s = b->stream;

	if (stream_is_open(s)) {
		stream_move(s, STREAM_AUTHENTICATED);
		b->wish.refused(s, b->wish.iq, cond, text);
	}
	bind_end(b);
}

static void
bind_succeed(struct bind *b)
{
	struct stream *s = b->stream;

	s->session = b->session;
	stream_move(s, STREAM_BOUND);
	timeout_clear(&s->timeout);
	conn_priority(s->conn, LOOP_PRIORITY_BOUND);
	sc_log(NULL, SC_LOG_DEBUG, "session.bound", "jid=%s peer=%s",
		sc_session_jid(s->session)->text, conn_peer_text(s->conn));
	b->wish.bound(s, b->wish.iq);
	session_start(b->session);
	bind_end(b);
}

/* --- steps --- */

static void
hooks_done(struct sc_ctx *ctx, enum sc_verdict verdict)
{
	struct bind *b = ctx->arg;
	struct sc_session *session = b->session;
	bool alive = stream_is_open(b->stream);

	ctx_free(ctx);
	if (verdict == SC_PASS && alive && !session->ending) {
		bind_succeed(b);
		return;
	}
	session->stream = NULL;
	session_end(session);
	session_unref(session);
	/* A refusing hook has sent nothing: the IQ is not its stanza. */
	bind_refuse(b, SC_COND_NOT_ALLOWED, NULL);
}

static void
run_hooks(struct bind *b)
{
	struct sc_entity *e = b->session->entity;
	struct sc_ctx *ctx = ctx_new(e->host, e, b->session);
	struct sc_ev_session *ev = sc_alloc(sc_arena(ctx), sizeof *ev);

	ev->session = b->session;
	ctx->payload = ev;
	ctx->stanza = b->wish.iq;
	ctx->arg = b;
	ctx->finished = hooks_done;
	hook_run(ctx, SC_EV_session_bound, SC_PHASE_CHECK, SC_PHASE_FALLBACK);
}

/* A client's installation has one session: what it left behind would be a ghost beside it (XEP-0386
 * §3.2). */
static void
replace_same_agent(struct sc_entity *e, const char *agent)
{
	struct sc_session *s = NULL;

	while (agent != NULL && (s = sc_session_next(e, s)) != NULL) {
		if (!sc_same(s->agent, agent))
			continue;
		STAT_INC(sessions_replaced);
		session_replace(s);
		s = NULL;       /* others may have gone with it */
	}
}

/* A client that cannot resume leaves a sleeping session behind at each loss of its link: those must
 * not keep it out. */
static bool
end_a_sleeper(struct sc_entity *e)
{
	struct sc_session *longest = NULL;

	for (struct sc_session *s = NULL; (s = sc_session_next(e, s)) != NULL;)
		if (sc_session_asleep(s) && (longest == NULL || s->active < longest->active))
			longest = s;
	if (longest != NULL)
		session_end(longest);
	return longest != NULL;
}

static void
make_session(struct bind *b, struct sc_entity *e)
{
	struct sc_arena *arena = arena_new();
	char *resource = b->wish.resource != NULL ? b->wish.resource : sc_token(arena);
	struct sc_session *old;

	replace_same_agent(e, b->stream->agent);
	old = sc_session_by_resource(e, sc_span(resource));
	if (old == NULL && e->n_sessions >= c2s_conf()->max_sessions && !end_a_sleeper(e)) {
		arena_free(arena);
		STAT_INC(limit_sessions);
		bind_refuse(b, SC_COND_RESOURCE_CONSTRAINT, "Too many sessions of this account.");
		return;
	}
	if (old != NULL) {
		STAT_INC(sessions_replaced);
		session_replace(old);
	}
	b->session = session_new(e, sc_span(resource), &stream_session_ops, b->stream);
	session_ref(b->session);        /* the stream's */
	b->session->agent = b->stream->agent;
	b->stream->agent = NULL;
	arena_free(arena);
	run_hooks(b);
}

static void
account_loaded(struct entity_wait *w, struct sc_entity *e)
{
	struct bind *b = container_of(w, struct bind, wait);

	if (!stream_is_open(b->stream))
		bind_end(b);
	else if (e->state == ENTITY_READY && !e->disabled)
		make_session(b, e);
	else if (e->state == ENTITY_FAILED)
		bind_refuse(b, SC_COND_RESOURCE_CONSTRAINT,
			"The account cannot be loaded right now.");
	else {
		stream_error(b->stream, "not-authorized", "The account is no more.");
		bind_end(b);
	}
}

void
bind_session(struct stream *s, const struct bind_wish *wish)
{
	struct sc_arena *arena = arena_new();
	struct bind *b = calloc(1, sizeof *b);
	const struct sc_jid *jid = sc_jid_of(arena, sc_span(s->local),
		sc_jid_domain(sc_host_jid(s->host)), (struct sc_span){ 0 });
	struct sc_entity *e;

	sc_assert(b != NULL);
	b->stream = s;
	b->wish = *wish;
	stream_ref(s);
	stream_move(s, STREAM_BINDING);
	stream_block(s);
	e = s->anonymous ? entity_get_anonymous(s->host, jid) : entity_get(s->host, jid);
	arena_free(arena);
	entity_ref(e);
	b->wait.loaded = account_loaded;
	entity_when_loaded(e, &b->wait);
	entity_unref(e);
}

/* --- by an IQ --- */

static void
write_answer(struct stream *s, struct sc_stanza *answer)
{
	struct buf b = { 0 };

	sc_seal(answer);
	stanza_splice(&b, answer, (struct sc_span){ 0 }, (struct sc_span){ 0 }, false);
	sc_stanza_free(&answer);
	stream_write_buf(s, &b);
}

static void
bound(struct stream *s, const struct sc_stanza *iq)
{
	struct sc_stanza *result = sc_result_to(iq);
	struct sc_elem *e = sc_add(result, sc_stanza_root(result), NS_BIND, "bind");

	sc_add_with_text(result, e, NULL, "jid", sc_session_jid(s->session)->text);
	write_answer(s, result);
}

static void
refused(struct stream *s, const struct sc_stanza *iq, enum sc_cond cond, const char *text)
{
	write_answer(s, sc_error_to(iq, cond, text));
}

void
bind_start(struct stream *s, struct sc_stanza *taken)
{
	struct bind_wish wish = { .iq = taken, .bound = bound, .refused = refused };
	struct sc_arena *arena = arena_new();
	const struct sc_elem *e = sc_child(sc_payload(taken), NS_BIND, "resource");
	const char *text = e != NULL ? sc_text_in(arena, e) : "";
	const char *prepared = *text != '\0' ? sc_prepare_resource(arena, text, strlen(text))
		: NULL;

	if (*text != '\0' && prepared == NULL) {
		refused(s, taken, SC_COND_BAD_REQUEST, "This resource is not allowed.");
		sc_stanza_free(&taken);
	} else {
		wish.resource = prepared != NULL ? strdup(prepared) : NULL;
		bind_session(s, &wish);
	}
	arena_free(arena);
}
