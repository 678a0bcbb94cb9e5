/* SPDX-License-Identifier: MIT */
/* sm: asking for acknowledgements, spilling what waits too long, sleeping and waking (XEP-0198,
 * design §5). */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/entity.h"
#include "core/owed.h"
#include "core/route.h"
#include "core/session.h"
#include "core/sleep.h"
#include "core/sm.h"
#include "plugin/hook.h"

/* beyond custody_limit, which is the longest that a message may take to be safe */
#define SETTLE_MORE_MS 5000
#define ASK_EVERY 32            /* stanzas that nobody waits for: ask at the latest after so many */

static void ask_due(struct timeout *);
static void spill_due(struct timeout *);

static void
prefix_grew(struct sc_session *s)
{
	if (s->sm == NULL)
		return;
	/* In a turn of its own: this may be in the middle of anything. */
	if (s->sm->wait != NULL && link_alone(&s->prefix.open))
		timeout_set(&s->sm->wait->timeout, 0);
	if (!s->sm->answering)
		return;
	s->sm->answer_due = true;
	s->sm->answering = !link_alone(&s->prefix.open);
	session_mark_dirty(s);
}

void
sm_was_asked(struct sc_session *s)
{
	s->sm->answering = !link_alone(&s->prefix.open);
}

/* Told in a turn of its own. */
static void
nobody_waits(struct sm *sm, struct sm_wait *w)
{
	sm->wait = NULL;
	w->session = NULL;
	timeout_set(&w->timeout, 0);
}

struct sm *
sm_enable(struct sc_session *s, bool resumable, int64_t wish_ms)
{
	struct sm *sm = calloc(1, sizeof *sm);

	sc_assert(sm != NULL && s->sm == NULL);
	s->sm = sm;
	sm->session = s;
	sm->resumable = resumable;
	sm->wished = wish_ms > 0 && wish_ms < sm_limits.sleep;
	sm->max_ms = sm->wished ? wish_ms : sm_limits.sleep;
	rand_token(sm->id);
	timeout_init(&sm->ask, ask_due);
	timeout_init(&sm->spill, spill_due);
	timeout_init(&sm->save, sleep_is_due);
	s->prefix.counts = true;
	s->prefix.grew = prefix_grew;
	outq_landed(&s->outq, 0);       /* what was written before is not counted */
	s->outq.counts = true;
	return sm;
}

void
sm_end(struct sc_session *s)
{
	struct sm *sm = s->sm;

	if (sm == NULL)
		return;
	timeout_clear(&sm->ask);
	timeout_clear(&sm->spill);
	timeout_clear(&sm->save);
	if (sm->asleep)
		STAT_DEC(sessions_asleep_now);
	if (sm->wait != NULL)
		nobody_waits(sm, sm->wait);
	s->sm = NULL;
	free(sm);
}

struct sc_session *
sm_find(struct sc_entity *e, const char *id)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(e, s)) != NULL;)
		if (s->sm != NULL && s->sm->resumable && !s->ending && strcmp(s->sm->id, id) == 0)
			return s;
	return NULL;
}

/* --- acknowledgements --- */

void
sm_waits(struct sc_session *s)
{
	if (!timeout_armed(&s->sm->spill))
		timeout_set(&s->sm->spill, s->sm->slow ? 0 : sm_limits.custody_spill);
}

bool
sm_wrote(struct sc_session *s, bool waited)
{
	struct sm *sm = s->sm;

	if (!waited && s->outq.n_flying < ASK_EVERY) {
		if (!sm->asked && !timeout_armed(&sm->ask))
			timeout_set(&sm->ask, sm_limits.ask_after);
		return false;
	}
	/* A client that has not answered the last <r/> gets one more only for what is waited
	 * for. */
	if (!sm->asked) {
		sm->asked = true;
		sm->asked_at = clock_mono();
		timeout_set(&sm->ask, sm_limits.dead_after);
	} else if (!waited) {
		return false;
	}
	return true;
}

static void
ask_due(struct timeout *t)
{
	static const char r[] = "<r xmlns='urn:xmpp:sm:3'/>";
	struct sm *sm = container_of(t, struct sm, ask);
	struct sc_session *s = sm->session;

	session_ref(s);
	if (s->stream == NULL) {                /* asleep for too long */
		session_end(s);
	} else if (!sm->asked) {
		sm->asked = true;
		sm->asked_at = clock_mono();
		timeout_set(t, sm_limits.dead_after);
		s->ops->write(s->stream, r, sizeof r - 1);
	/* it may have answered: we are the ones who do not read */
	} else if (s->paused) {
		timeout_set(t, sm_limits.dead_after);
	} else {
		sc_log(NULL, SC_LOG_INFO, "session.silent", "jid=%s unacknowledged=%u", s->jid.text,
			s->outq.n_flying);
		s->ops->drop(s->stream);
	}
	route_run();
	session_unref(s);
}

void
sm_restore(struct sc_session *s, struct sc_span id, uint32_t h, uint32_t acked, int64_t max_ms,
	int64_t left_ms)
{
	struct sm *sm = sm_enable(s, true, 0);

	sc_assert(id.n < sizeof sm->id);
	sm->max_ms = max_ms;            /* promised, whatever is configured now */
	sm->wished = max_ms < sm_limits.sleep;
	memcpy(sm->id, id.p, id.n);
	sm->id[id.n] = '\0';
	sm->asleep = sm->saved = sm->restored = true;
	s->quiet = false;
	s->prefix.handled = h;
	s->outq.sent = s->outq.acked = acked;
	timeout_set(&sm->ask, left_ms);
	STAT_INC(sessions_asleep_now);
}

/* The client of a restored session says what it has: counting goes on from there. False: it cannot
 * have that. */
static bool
restored_acked(struct sc_session *s, uint32_t h)
{
	struct sc_ev_session ev = { s };

	if (h - s->outq.acked > INT32_MAX)
		return false;
	s->sm->restored = false;
	outq_count_from(&s->outq, h);
	hook_fire(SC_EV_session_renumbered, s->entity->host, s->entity, s, &ev);
	return true;
}

bool
sm_acked(struct sc_session *s, uint32_t h)
{
	struct sm *sm = s->sm;
	bool ok = sm->restored ? restored_acked(s, h) : outq_ack(&s->outq, h);

	if (!ok)
		return false;
	if (sm->asleep)                 /* in a <resume/>: the timer is that of its sleep */
		return true;
	if (sm->asked) {
		sm->slow = clock_mono() - sm->asked_at > sm_limits.custody_spill * 1000;
		sm->asked = false;
	}
	timeout_clear(&sm->ask);
	if (s->outq.n_flying > 0)
		timeout_set(&sm->ask, sm_limits.ask_after);
	else
		timeout_clear(&sm->spill);
	return true;
}

/* --- rows --- */

static void
spill_list(struct outq_item *first, bool asleep)
{
	struct outq_item *next;

	for (struct outq_item *item = first; item != NULL; item = next) {
		next = item->next;
		if (item->owed != NULL && (asleep || item->custody != NULL))
			owed_spill(item->owed);
	}
}

void
sm_spill(struct sc_session *s)
{
	spill_list(s->outq.flying, s->stream == NULL);
	spill_list(s->outq.first, s->stream == NULL);
}

static void
spill_due(struct timeout *t)
{
	struct sc_session *s = container_of(t, struct sm, spill)->session;

	session_ref(s);
	sm_spill(s);
	route_run();
	session_unref(s);
}

/* --- sleep --- */

int64_t
sm_sleep_ms(const struct sm *sm)
{
	return sm->may_be_woken && !sm->wished && sm_limits.sleep_push > sm->max_ms
		? sm_limits.sleep_push : sm->max_ms;
}

void
sc_session_may_be_woken(struct sc_session *s, bool on)
{
	entity_at_home(s->entity);
	if (s->sm != NULL)
		s->sm->may_be_woken = on;
}

void
sm_sleep(struct sc_session *s)
{
	struct sc_ev_session ev = { s };
	struct sm *sm = s->sm;

	s->stream = NULL;
	s->paused = false;              /* another stream has not been told to stop */
	sm->asleep = true;
	sm->asked = false;
	timeout_clear(&sm->spill);
	timeout_set(&sm->ask, sm_sleep_ms(sm));
	STAT_INC(sessions_asleep_now);
	sm_spill(s);
	if (sm->resumable)
		sleep_begins(s);
	hook_fire(SC_EV_session_asleep, s->entity->host, s->entity, s, &ev);
	route_run();
}

static void
settle_due(struct timeout *t)
{
	struct sm_wait *w = container_of(t, struct sm_wait, timeout);
	struct sc_session *s = w->session;

	if (s != NULL) {
		s->sm->wait = NULL;
		if (!link_alone(&s->prefix.open))
			s = NULL;
	}
	w->settled(w, s);
	route_run();
}

void
sm_when_settled(struct sc_session *s, struct sm_wait *w)
{
	struct sm *sm = s->sm;

	sc_assert(sm->asleep);
	if (sm->wait != NULL)           /* the last one who comes is the one who is alive */
		nobody_waits(sm, sm->wait);
	timeout_init(&w->timeout, settle_due);
	w->session = s;
	if (link_alone(&s->prefix.open)) {
		w->settled(w, s);
		return;
	}
	sm->wait = w;
	timeout_set(&w->timeout, sm_limits.custody_limit + SETTLE_MORE_MS);
}

void
sm_wake(struct sc_session *s)
{
	struct sc_ev_session ev = { s };

	timeout_clear(&s->sm->ask);
	s->sm->asleep = false;
	STAT_DEC(sessions_asleep_now);
	STAT_INC(sessions_resumed);
	outq_rewind(&s->outq);
	session_mark_dirty(s);
	hook_fire(SC_EV_session_awake, s->entity->host, s->entity, s, &ev);
}
