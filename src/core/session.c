/* SPDX-License-Identifier: MIT */
/* session: life, lane of what came in, queue of what goes out. */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/stats.h"
#include "core/entity.h"
#include "core/owed.h"
#include "core/route.h"
#include "core/session.h"
#include "core/shard.h"
#include "core/sleep.h"
#include "core/watch.h"
#include "plugin/hook.h"
#include "xmpp/stanza.h"

#define FLUSH_BYTES 16384       /* what one write carries at the most */
#define SHED_BYTES 16384        /* a queue that is smaller is not worth a session */

_Thread_local struct session_limits session_limits = {
	.outq_items = 1000, .outq_bytes = 4 << 20, .inbox = 16, .window = 64, .stuck_ms = 60000
};

static _Atomic uint64_t last_number;

struct inbound {
	struct link link;
	struct sc_stanza *stanza;
	struct custody *custody;
};

/* --- life --- */

struct sc_session *
session_new(struct sc_entity *entity, struct sc_span resource, const struct session_ops *ops,
	void *stream)
{
	struct sc_span bare = sc_jid_bare_span(&entity->jid);
	struct sc_session *s = calloc(1, sizeof *s + bare.n + 1 + resource.n + 1);

	sc_assert(s != NULL);
	memcpy(s->text, bare.p, bare.n);
	s->text[bare.n] = '/';
	memcpy(s->text + bare.n + 1, resource.p, resource.n);
	s->jid = entity->jid;
	s->jid.text = s->text;
	s->jid.resource_len = (uint16_t)resource.n;
	s->entity = entity;
	s->ops = ops;
	s->stream = stream;
	s->number = atomic_fetch_add(&last_number, 1) + 1;
	s->since = s->active = clock_wall();
	s->refs = 1;
	s->quiet = true;
	outq_init(&s->outq);
	custody_prefix_init(&s->prefix);
	link_init(&s->inbox);
	link_init(&s->dirty);
	link_init(&s->in_shard);
	link_append(&shard.sessions, &s->in_shard);
	link_init(&s->link);
	link_append(&entity->sessions, &s->link);
	entity->n_sessions++;
	entity_ref(entity);
	STAT_INC(sessions_now);
	return s;
}

void
session_start(struct sc_session *s)
{
	s->quiet = false;
	if (s->outq.first != NULL)
		session_mark_dirty(s);
}

void
session_ref(struct sc_session *s)
{
	entity_at_home(s->entity);
	s->refs++;
}

void
session_unref(struct sc_session *s)
{
	entity_at_home(s->entity);
	sc_assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	sc_assert(s->gone && link_alone(&s->dirty));
	slots_free(&s->slots, SC_SLOT_SESSION);
	entity_unref(s->entity);
	free(s->presence);
	free(s->agent);
	free(s);
}

/* What a session leaves behind unread goes to another one, or to the spool; in place of a copy the
 * message that it is of. What modules have pushed is theirs to send again. */
static void
send_on(void *account, struct outq_item *item)
{
	const struct sc_stanza *s = item->owed != NULL ? item->owed->stanza : item->stanza;

	if (s->kind == SC_IQ && item->to == OUTQ_TO_STANZA) {
		/* who asked waits for an answer */
		route_failed(item->stanza, NULL, SC_COND_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	if (s->kind != SC_MESSAGE || (s->type != SC_TYPE_NORMAL && s->type != SC_TYPE_CHAT) ||
	    item->done != NULL ||
	    (item->owed == NULL && item->to == OUTQ_TO_SELF) || !owed_would_be_lost(item))
		return;
	deliver_again(account, s, item->custody, item->since);
	item->custody = NULL;
}

/* After the last stanza that was read from it: contacts hear of it only now (RFC 6120 §10.1). */
static void
session_leave(struct sc_session *s)
{
	struct sc_ev_session ev = { s };
	struct sc_entity *e = s->entity;

	if (s->gone)
		return;
	entity_ref(e);
	if (s->presence != NULL)
		sc_session_presence(NULL, s, NULL);
	s->gone = true;
	link_remove(&s->link);
	link_remove(&s->in_shard);
	link_remove(&s->dirty);
	e->n_sessions--;
	e->draining -= s->draining;
	s->draining = 0;
	STAT_DEC(sessions_now);
	outq_clear(&s->outq, send_on, e);
	if (s->sm != NULL)
		sleep_ends(s, NULL, NULL);
	sm_end(s);
	hook_fire(SC_EV_session_gone, e->host, e, s, &ev);
	if (e->n_sessions == 0) {
		struct sc_ev_account account = { e };

		hook_fire(SC_EV_account_idle, e->host, e, NULL, &account);
	}
	session_unref(s);
	route_run();
	entity_unref(e);
}

bool
session_leave_next(void)
{
	if (link_alone(&shard.leaving))
		return false;
	session_leave(container_of(shard.leaving.next, struct sc_session, dirty));
	return true;
}

static void
leave_soon(struct sc_session *s)
{
	link_remove(&s->dirty);
	if (!s->gone)
		link_append(&shard.leaving, &s->dirty);
}

void
session_landed(struct sc_session *s)
{
	if (s->stream != NULL)
		outq_landed(&s->outq, s->ops->waiting(s->stream));
}

void
session_end(struct sc_session *s)
{
	entity_at_home(s->entity);
	s->stream = NULL;
	s->ending = true;
	if (!s->busy && link_alone(&s->inbox))
		leave_soon(s);
}

void
session_forget(struct sc_session *s)
{
	struct sc_entity *e = s->entity;

	entity_ref(e);
	s->gone = true;
	link_remove(&s->link);
	link_remove(&s->in_shard);
	link_remove(&s->dirty);
	e->n_sessions--;
	e->draining -= s->draining;
	s->draining = 0;
	STAT_DEC(sessions_now);
	outq_rewind(&s->outq);
	owed_forget_all(&s->outq);
	outq_clear(&s->outq, NULL, NULL);
	sm_end(s);
	session_unref(s);
	entity_unref(e);
}

void
session_lost(struct sc_session *s)
{
	if (s->sm != NULL && s->sm->resumable && !s->ending && !s->gone)
		sm_sleep(s);
	else
		session_end(s);
}

void
session_replace(struct sc_session *s)
{
	session_ref(s);
	if (s->stream != NULL)
		s->ops->close(s->stream, "conflict", "Another stream has bound this resource.");
	/* What it still had in work goes on, but the resource is free from now. */
	session_leave(s);
	session_unref(s);
}

/* --- what comes in --- */

/* IQ answers are never asked to wait: whoever holds the lane may be waiting for one. */
static bool
passes_lane(const struct sc_stanza *stanza)
{
	return sc_kind(stanza) == SC_IQ && (sc_type(stanza) == SC_TYPE_RESULT ||
		sc_type(stanza) == SC_TYPE_ERROR);
}

static void
start(struct sc_session *s, struct sc_stanza **taken, struct custody *custody)
{
	s->busy = true;
	route_from_session(s, taken, custody);
}

static void
queue_inbound(struct sc_session *s, struct sc_stanza **taken, struct custody *custody)
{
	struct inbound *in = malloc(sizeof *in);

	sc_assert(in != NULL);
	link_init(&in->link);
	in->stanza = *taken;
	in->custody = custody;
	*taken = NULL;
	link_append(&s->inbox, &in->link);
	if (++s->n_inbox >= session_limits.inbox && !s->paused && s->stream != NULL) {
		s->paused = true;
		s->ops->pause(s->stream);
	}
}

void
session_input(struct sc_session *s, struct sc_stanza **taken)
{
	struct custody *custody = custody_begin(s, &s->prefix);

	entity_at_home(s->entity);
	s->active = clock_wall();
	WATCH(s, WATCH_IN, *taken);
	session_ref(s);
	if (s->busy && !passes_lane(*taken))
		queue_inbound(s, taken, custody);
	else if (s->busy)
		route_past_lane(s, taken, custody);
	else
		start(s, taken, custody);
	route_run();
	session_unref(s);
}

void
session_answered(struct sc_session *s)
{
	s->active = clock_wall();
	custody_release(custody_begin(s, &s->prefix));
}

/* A loop, not a recursion: a stanza that waits for nothing ends in here again. */
void
session_next(struct sc_session *s)
{
	s->busy = false;
	if (s->taking)
		return;
	s->taking = true;
	session_ref(s);
	while (!s->busy && !link_alone(&s->inbox)) {
		struct inbound *in = container_of(s->inbox.next, struct inbound, link);

		link_remove(&in->link);
		s->n_inbox--;
		start(s, &in->stanza, in->custody);
		free(in);
	}
	s->taking = false;
	if (!s->busy && s->ending) {
		leave_soon(s);
	} else if (!s->busy && s->paused && s->stream != NULL) {
		s->paused = false;
		s->ops->resume(s->stream);
	}
	session_unref(s);
}

/* --- what goes out --- */

/* A client that is away holds memory for longer than one that reads slowly, so it has limits of its
 * own. */
static uint32_t
items_limit(const struct sc_session *s)
{
	return s->stream == NULL ? (uint32_t)sm_limits.sleep_stanzas : session_limits.outq_items;
}

static size_t
bytes_limit(const struct sc_session *s)
{
	return s->stream == NULL ? (size_t)sm_limits.sleep_bytes : session_limits.outq_bytes;
}

bool
session_is_full(const struct sc_session *s)
{
	return s->over;
}

void
session_mark_dirty(struct sc_session *s)
{
	entity_at_home(s->entity);
	if (link_alone(&s->dirty) && s->stream != NULL && !s->quiet)
		link_append(&shard.dirty, &s->dirty);
}

void
session_tell_acked(struct sc_session *s, const struct sc_stanza *stanza)
{
	struct sc_ev_acked ev = { s, stanza };

	hook_fire(SC_EV_stanza_acked, s->entity->host, s->entity, s, &ev);
}

/* What to_session hooks have asked for. */
struct wishes {
	bool later, kept, watched;
	uint64_t key;
};

static enum sc_verdict
ask_hooks(struct sc_session *s, const struct sc_stanza *sealed, struct wishes *wishes)
{
	struct sc_ev_stanza ev = { (struct sc_stanza *)(uintptr_t)sealed };
	struct sc_ctx *ctx = ctx_new(s->entity->host, s->entity, s);
	enum sc_verdict verdict;

	ctx->stanza = ev.stanza;
	verdict = hook_run_now(ctx, SC_EV_to_session, &ev);
	*wishes = (struct wishes){ ctx->later, ctx->later_kept, ctx->watched, ctx->later_key };
	ctx_free(ctx);
	return verdict;
}

/* What waits for long must not keep the sender's acknowledgement waiting: it is made safe now, or
 * nothing is promised for it. A row that the spool itself has given out does not wait. */
static bool
may_wait(const struct sc_session *s, const struct wishes *w, struct custody **held,
	struct sc_owed *owed, bool asked_about)
{
	if (!w->later || asked_about)
		return false;
	if (!w->kept) {
		custody_release(*held);
		*held = NULL;
		return true;
	}
	if (owed == NULL || s->sm == NULL)
		return false;
	owed->wanted = true;
	return true;
}

struct outq_item *
session_send(struct sc_session *s, const struct sc_stanza *sealed, enum outq_to to,
	const char *patch, struct custody *held,
	struct sc_owed *owed, void (*done)(void *, bool), void *arg)
{
	enum sc_verdict verdict = SC_PASS;
	struct wishes wishes = { 0 };
	struct outq_item *item;
	bool later;

	entity_at_home(s->entity);
	if (!s->gone && hook_any(SC_EV_to_session))
		verdict = ask_hooks(s, sealed, &wishes);
	if (s->gone || s->ending || verdict != SC_PASS) {
		if (done != NULL)
			done(arg, !s->gone && verdict == SC_TAKEN);
		custody_release(held);
		return NULL;
	}
	WATCH(s, WATCH_OUT, sealed);
	if (s->over && sealed->kind == SC_PRESENCE)
		outq_supersede_presence(&s->outq, sealed->from);
	later = may_wait(s, &wishes, &held, owed, done != NULL);
	item = outq_append(&s->outq, sealed, to, patch, patch != NULL ? strlen(patch) : 0, held,
		owed, done, arg);
	item->watched = wishes.watched;
	if (later)
		outq_later(&s->outq, item, wishes.key);
	if (!s->over && (s->outq.n > items_limit(s) || s->outq.bytes > bytes_limit(s))) {
		s->over = true;
		s->moved = clock_mono();
	}
	if (s->stream == NULL && owed != NULL)
		owed->wanted = true;
	else if (s->sm != NULL && item->custody != NULL)
		sm_waits(s);
	if (!later)
		session_mark_dirty(s);
	return item;
}

/* Fires when the queue has come down, so that whoever feeds it in windows goes on. */
static void
tell_drained(struct sc_session *s)
{
	struct sc_ev_session ev = { s };

	if (s->outq.n - s->outq.n_later > (uint32_t)session_limits.window / 2)
		return;
	s->over = false;
	hook_fire(SC_EV_session_drained, s->entity->host, s->entity, s, &ev);
}

/* The answer that a client with XEP-0198 still waits for: `h` has grown since its <r/>. */
static void
write_answer(struct sc_session *s)
{
	char a[64];
	int n;

	if (s->sm == NULL || !s->sm->answer_due || s->stream == NULL)
		return;
	n = snprintf(a, sizeof a, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", s->prefix.handled);
	s->sm->answer_due = false;
	s->ops->write(s->stream, a, (size_t)n);
}

static _Thread_local struct buf buf;            /* what one write carries */

void
session_thread_done(void)
{
	buf_free(&buf);
}

/* What cannot go to the spool instead would make the queue grow without an end. */
static void
close_slow(struct sc_session *s)
{
	STAT_INC(limit_outq);
	sc_log(NULL, SC_LOG_INFO, "session.queue_full", "jid=%s queued=%u bytes=%zu", s->jid.text,
		s->outq.n, s->outq.bytes);
	s->ops->close(s->stream, "policy-violation", "You read too slowly.");
}

/* Says whether session_drained was fired. */
static bool
flush(struct sc_session *s)
{
	static const char r[] = "<r xmlns='urn:xmpp:sm:3'/>";
	int n = 0;

	write_answer(s);
	if (s->corked > 0)
		return false;
	while (s->stream != NULL && outq_is_urgent(&s->outq) && s->ops->waiting(s->stream) == 0) {
		bool waited = false;

		buf.n = 0;
		n += outq_write(&s->outq, &buf, sc_jid_span(&s->jid), FLUSH_BYTES, s->ops->framed,
			&waited);
		if (s->sm != NULL && sm_wrote(s, waited))
			buf_add(&buf, r, sizeof r - 1);
		s->ops->write(s->stream, buf.p, buf.n);
	}
	stats_add(STAT_stanzas_out, n);
	if (n > 0)
		s->moved = clock_mono();
	if (s->stream == NULL)
		return false;
	session_landed(s);
	if (s->outq.bytes > 2 * session_limits.outq_bytes) {
		close_slow(s);
	} else if (n > 0 && s->ops->waiting(s->stream) == 0) {
		tell_drained(s);
		return true;
	}
	return false;
}

void
session_drained(struct sc_session *s)
{
	session_ref(s);
	if (!flush(s) && s->stream != NULL && s->ops->waiting(s->stream) == 0)
		tell_drained(s);
	route_run();
	session_unref(s);
}

void
session_flush_dirty(void)
{
	while (!link_alone(&shard.dirty)) {
		struct sc_session *s = container_of(shard.dirty.next, struct sc_session, dirty);

		link_remove(&s->dirty);
		session_ref(s);
		flush(s);
		session_unref(s);
	}
}

void
session_check_stuck(void)
{
	int64_t stuck = clock_mono() - session_limits.stuck_ms * 1000;

	list_each(&shard.sessions, it, tmp) {
		struct sc_session *s = container_of(it, struct sc_session, in_shard);

		if (!s->over || s->ending)
			continue;
		if (s->stream != NULL && s->moved <= stuck) {
			/* its link is dead; what waits for it keeps within its limits asleep too */
			if (s->sm != NULL && s->sm->resumable)
				s->ops->drop(s->stream);
			else
				close_slow(s);
		} else if (s->stream == NULL && s->outq.bytes > 2 * bytes_limit(s)) {
			STAT_INC(limit_outq);   /* asleep; its messages are in the spool */
			session_end(s);
		}
	}
	route_run();
}

void
session_shed(void)
{
	struct sc_session *largest = NULL;

	list_each(&shard.sessions, it, tmp) {
		struct sc_session *s = container_of(it, struct sc_session, in_shard);

		if (s->stream == NULL && !s->ending && (largest == NULL ||
		    s->outq.bytes > largest->outq.bytes))
			largest = s;
	}
	if (largest == NULL || largest->outq.bytes < SHED_BYTES)
		return;
	STAT_INC(shed_queues);
	session_end(largest);
	route_run();
}
