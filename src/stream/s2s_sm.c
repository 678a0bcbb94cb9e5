/* SPDX-License-Identifier: MIT */
/*
 * s2s_sm: XEP-0198 between servers. Who calls enables it and sends; who was called counts what
 * came, and says so when it is safe (design §5). A counter outlives its stream for a while, so that
 * the other server can go on where the connection broke.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/route.h"
#include "net/loop.h"
#include "stream/s2s.h"
#include "stream/s2s_inside.h"
#include "stream/words.h"
#include "xmpp/ns.h"

#define SLEEPERS 1000           /* counters of one shard that wait for their server */
#define SETTLE_MS 10000         /* how long a resumption may wait for what was read before */
#define QUIET_US 10000000       /* stanzas that nobody waits for are asked about after so long */

/* One stanza that was read and is not safe yet. */
struct counted {
	struct link link;               /* sm->open, in order of reading */
	struct s2s_sm *sm;
	bool safe;
};

struct s2s_sm {
	struct link open;
	struct link asleep;             /* of those without a stream */
	struct s2s *stream;             /* NULL: the connection broke */
	struct s2s *resumer;            /* counted: waits until all that was read before is safe */
	struct timeout timeout;
	uint32_t handled;               /* h */
	uint32_t refs;                  /* the stream or the sleep, and each counted one */
	bool resumable;
	bool answering;                 /* <r/> was answered with an h that will grow */
	char id[23];
	char *local, *domain;           /* who may resume it */
};

static _Thread_local struct link sleepers;
static _Thread_local int n_sleepers;

static void
sm_unref(struct s2s_sm *sm)
{
	if (--sm->refs > 0)
		return;
	free(sm->local);
	free(sm->domain);
	free(sm);
}

/* --- counting what comes in --- */

static void resume_end(struct s2s_sm *, bool ok);

static void
advance(struct s2s_sm *sm)
{
	uint32_t before = sm->handled;

	list_each(&sm->open, it, tmp) {
		struct counted *c = container_of(it, struct counted, link);

		if (!c->safe)
			break;
		link_remove(&c->link);
		free(c);
		sm->handled++;
		sm->refs--;             /* never the last: the caller has one */
	}
	if (sm->handled == before)
		return;
	if (sm->answering && sm->stream != NULL)
		s2s_late(sm->stream);
	if (sm->resumer != NULL && link_alone(&sm->open))
		resume_end(sm, true);
}

static void
is_safe(void *arg, bool safe)
{
	struct counted *c = arg;
	struct s2s_sm *sm = c->sm;

	(void)safe;                     /* or its sender has heard that it failed */
	c->safe = true;
	sm->refs++;
	advance(sm);
	sm_unref(sm);
}

struct custody *
s2s_sm_count(struct s2s *s)
{
	struct s2s_sm *sm = s->sm;
	struct counted *c;

	if (sm == NULL)
		return NULL;
	c = calloc(1, sizeof *c);
	sc_assert(c != NULL);
	c->sm = sm;
	sm->refs++;
	link_append(&sm->open, &c->link);
	return custody_begin_own(is_safe, c);
}

static void
say_h(struct s2s *s)
{
	struct buf b = { 0 };

	s->sm->answering = !link_alone(&s->sm->open);
	buf_format(&b, "<a xmlns='" NS_SM "' h='%u'/>", s->sm->handled);
	s2s_write_buf(s, &b);
}

void
s2s_sm_answer(struct s2s *s)
{
	if (s->sm != NULL && s->sm->answering && s2s_is_open(s))
		say_h(s);
}

/* --- sleep --- */

static void
sleep_ends(struct s2s_sm *sm)
{
	timeout_clear(&sm->timeout);
	link_remove(&sm->asleep);
	n_sleepers--;
}

static void
on_time(struct timeout *t)
{
	struct s2s_sm *sm = container_of(t, struct s2s_sm, timeout);

	if (sm->resumer != NULL) {
		resume_end(sm, false);
		return;
	}
	sleep_ends(sm);
	sm_unref(sm);
}

void
s2s_sm_gone(struct s2s *s, bool may_resume)
{
	struct s2s_sm *sm = s->sm;

	s->sm = NULL;
	if (sm == NULL)
		return;
	sm->stream = NULL;
	if (!may_resume || !sm->resumable || n_sleepers >= SLEEPERS) {
		sm_unref(sm);
		return;
	}
	link_append(&sleepers, &sm->asleep);
	n_sleepers++;
	timeout_set(&sm->timeout, s2s_conf()->resume);
}

void
s2s_sm_stop(void)
{
	if (sleepers.next == NULL)
		return;
	list_each(&sleepers, it, tmp) {
		struct s2s_sm *sm = container_of(it, struct s2s_sm, asleep);

		sleep_ends(sm);
		sm_unref(sm);
	}
}

/* --- the other side enables, or resumes --- */

static void
say_failed(struct s2s *s, const char *condition)
{
	struct buf b = { 0 };

	buf_format(&b, "<failed xmlns='" NS_SM "'><%s xmlns='" NS_STANZA_ERRORS "'/></failed>",
		condition);
	s2s_write_buf(s, &b);
}

static struct s2s_sm *
sm_new(struct s2s *s)
{
	struct s2s_sm *sm = calloc(1, sizeof *sm);

	sc_assert(sm != NULL);
	link_init(&sm->open);
	link_init(&sm->asleep);
	if (sleepers.next == NULL)
		link_init(&sleepers);
	timeout_init(&sm->timeout, on_time);
	sm->refs = 1;
	sm->stream = s;
	sm->local = strdup(s->local);
	sm->domain = strdup(s->domain);
	rand_token(sm->id);
	return sm;
}

/* Only of a stream that lives on its pair's shard: there it would be looked for. */
static bool
may_resume(const struct s2s *s)
{
	return s2s_conf()->resume > 0 && remote_home(s->local, s->domain) == loop_id();
}

static void
enable(struct s2s *s, const struct sc_elem *e)
{
	struct buf b = { 0 };

	if (s->kind != S2S_IN || s->state != S2S_UP || s->sm != NULL || s->bidi ||
		s->received > 0 || !s2s_conf()->sm) {
		say_failed(s, "unexpected-request");
		return;
	}
	s->sm = sm_new(s);
	s->sm->resumable = words_are_true(sc_attr(e, "resume")) && may_resume(s);
	buf_text(&b, "<enabled xmlns='" NS_SM "'");
	if (s->sm->resumable)
		buf_format(&b, " id='%s' resume='true' max='%lld'", s->sm->id,
			(long long)s2s_conf()->resume / 1000);
	buf_text(&b, "/>");
	s2s_write_buf(s, &b);
}

static bool
is_of(const struct s2s_sm *sm, const struct s2s *s, const char *id)
{
	return sm != NULL && sm->resumable && strcmp(sm->id, id) == 0 &&
		strcmp(sm->local, s->local) == 0 &&
		strcmp(sm->domain, s->domain) == 0;
}

/* Asleep on return: the stream that it was on, if it still lives, has lost it. */
static struct s2s_sm *
find(const struct s2s *s, const char *id)
{
	if (sleepers.next == NULL)
		link_init(&sleepers);
	list_each(&sleepers, it, tmp) {
		struct s2s_sm *sm = container_of(it, struct s2s_sm, asleep);

		if (is_of(sm, s, id))
			return sm->resumer == NULL ? sm : NULL;
	}
	list_each(s2s_all(), it2, tmp2) {
		struct s2s *old = container_of(it2, struct s2s, in_shard);
		struct s2s_sm *sm = old->sm;

		if (old == s || !is_of(sm, s, id))
			continue;
		s2s_sm_gone(old, true);
		s2s_error(old, "conflict", "The stream was resumed on another connection.");
		return link_alone(&sm->asleep) ? NULL : sm;
	}
	return NULL;
}

/* ok: everything that was read before is safe, so h says exactly what need not come again. */
static void
resume_end(struct s2s_sm *sm, bool ok)
{
	struct s2s *s = sm->resumer;
	struct buf b = { 0 };

	sm->resumer = NULL;
	sleep_ends(sm);
	if (s->state != S2S_UP || !ok) {
		if (s->state == S2S_UP) {
			say_failed(s, "item-not-found");
			s2s_unblock(s);
		}
		sm_unref(sm);
	} else {
		s->sm = sm;
		sm->stream = s;
		sm->answering = false;
		STAT_INC(s2s_resumed);
		buf_format(&b, "<resumed xmlns='" NS_SM "' previd='%s' h='%u'/>", sm->id,
			sm->handled);
		s2s_write_buf(s, &b);
		s2s_unblock(s);
	}
	s2s_unref(s);
}

static void
resume(struct s2s *s, const struct sc_elem *e)
{
	const char *id = sc_attr(e, "previd");
	struct s2s_sm *sm;

	if (s->kind != S2S_IN || s->state != S2S_UP || s->sm != NULL || s->bidi ||
		s->received > 0) {
		say_failed(s, "unexpected-request");
		return;
	}
	sm = id != NULL ? find(s, id) : NULL;
	if (sm == NULL) {
		say_failed(s, "item-not-found");
		return;
	}
	sm->resumer = s;
	s2s_ref(s);
	s2s_block(s);
	if (link_alone(&sm->open))
		resume_end(sm, true);
	else
		timeout_set(&sm->timeout, SETTLE_MS);
}

/* --- we enable, or resume --- */

static void
say_enable(struct s2s *s)
{
	static const char enable[] = "<enable xmlns='" NS_SM "' resume='true'/>";

	s2s_write(s, enable, sizeof enable - 1);
}

void
s2s_sm_begin(struct s2s *s)
{
	const struct remote *r = remote_find(s->local, s->domain);
	struct buf b = { 0 };

	if (r == NULL || r->resume[0] == '\0') {
		say_enable(s);
		return;
	}
	/* nothing comes on our streams that counts */
	buf_text(&b, "<resume xmlns='" NS_SM "' h='0'");
	xml_write_attr(&b, "previd", r->resume);
	buf_text(&b, "/>");
	s2s_write_buf(s, &b);
}

static void
enabled(struct s2s *s, const struct sc_elem *e)
{
	struct remote *r = remote_find(s->local, s->domain);
	const char *id = sc_attr(e, "id");

	if (r != NULL) {
		if (r->resume[0] != '\0' || r->q.flying != NULL)
			remote_forget_flying(r);
		if (id != NULL && words_are_true(sc_attr(e, "resume")) &&
		    strlen(id) < sizeof r->resume)
			snprintf(r->resume, sizeof r->resume, "%s", id);
	}
	s2s_out_enabled(s, true, false);
}

static void
too_high(struct s2s *s, uint32_t h, uint32_t sent)
{
	char extra[128];

	snprintf(extra, sizeof extra, "<handled-count-too-high xmlns='" NS_SM "' h='%u' "
		"send-count='%u'/>", h, sent);
	s2s_error_with(s, "undefined-condition", "You acknowledged more than you were sent.",
		extra);
}

static void
resumed(struct s2s *s, const struct sc_elem *e)
{
	struct remote *r = remote_find(s->local, s->domain);
	uint32_t h;

	if (r == NULL || r->stream != NULL || r->resume[0] == '\0' || !words_read_h(e, &h)) {
		s2s_error(s, "invalid-xml", NULL);
		return;
	}
	if (!remote_acked(r, h)) {
		uint32_t sent = r->q.sent;

		remote_forget_flying(r);        /* its numbers are not ours */
		too_high(s, h, sent);
		return;
	}
	STAT_INC(s2s_resumed);
	s2s_out_enabled(s, true, true);
}

/* The other side forgot the stream, or does not count at all. It may still know how far it got. */
static void
failed(struct s2s *s, const struct sc_elem *e)
{
	struct remote *r = remote_find(s->local, s->domain);
	uint32_t h;

	if (r != NULL && r->resume[0] != '\0') {
		if (words_read_h(e, &h))
			(void)remote_acked(r, h);
		remote_forget_flying(r);
		say_enable(s);
		return;
	}
	s2s_out_enabled(s, false, false);
}

/* --- acknowledgements of what we sent --- */

static void
ask(struct s2s *s)
{
	static const char r[] = "<r xmlns='" NS_SM "'/>";

	s->asked = true;
	s2s_write(s, r, sizeof r - 1);
}

/* With every batch: what is not acknowledged when the other server ends comes to it twice. */
void
s2s_sm_wrote(struct s2s *s)
{
	if (s->remote != NULL && s->remote->q.counts)
		ask(s);
}

static void
acknowledged(struct s2s *s, const struct sc_elem *e)
{
	struct remote *r = s->remote;
	uint32_t h;

	s->asked = false;
	if (r == NULL || !r->q.counts || !words_read_h(e, &h))
		s2s_error(s, "invalid-xml", NULL);
	else if (!remote_acked(r, h))
		too_high(s, h, r->q.sent);
}

void
s2s_sm_look(struct s2s *s)
{
	const struct remote *r = s->remote;

	if (r == NULL || !r->q.counts || r->q.flying == NULL || r->asked_at == 0)
		return;
	if (clock_mono() - r->asked_at > s2s_conf()->dead * 1000)
		s2s_drop(s, "The other server acknowledges nothing.");
	else if (!s->asked && clock_mono() - r->asked_at > QUIET_US)
		ask(s);
}

void
s2s_sm_element(struct s2s *s, const struct sc_elem *e)
{
	static const char nothing[] = "<a xmlns='" NS_SM "' h='0'/>";
	const char *name = sc_name(e);
	bool enabling = s->kind == S2S_OUT && s->state == S2S_ENABLING;

	if (sc_same(name, "r") && s->sm != NULL)
		say_h(s);
	else if (sc_same(name, "a") && s->state == S2S_UP)
		acknowledged(s, e);
	else if (sc_same(name, "enabled") && enabling)
		enabled(s, e);
	else if (sc_same(name, "resumed") && enabling)
		resumed(s, e);
	else if (sc_same(name, "failed") && enabling)
		failed(s, e);
	else if (sc_same(name, "enable"))
		enable(s, e);
	else if (sc_same(name, "resume"))
		resume(s, e);
	else if (sc_same(name, "r") && s->kind == S2S_OUT)
		s2s_write(s, nothing, sizeof nothing - 1);
	else
		s2s_error(s, "unsupported-stanza-type", NULL);
}
