/* SPDX-License-Identifier: MIT */
/*
 * fan_side: the half of a fan that lives where recipients do. It gives them their copies, notes
 * what has arrived, and tells the fan about that and about those who are gone.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/list.h"
#include "base/stats.h"
#include "core/fan.h"
#include "core/route.h"
#include "core/session.h"
#include "core/shard.h"
#include "net/loop.h"
#include "net/timer.h"
#include "plugin/host.h"
#include "xmpp/stanza.h"

#define TELL_MS 500

_Thread_local int fan_slice = 1024;

struct recipient {
	struct table_node node;         /* side.by_number */
	struct link link;               /* side.all, in order of coming */
	struct link news;               /* side.news: its mark is not told yet */
	struct fan_side *side;          /* NULL: it was taken out, and only notes refer to it */
	uint32_t number, group, refs;
	unsigned classes;
	bool ours, lost;
	int64_t marked, told;
	struct sc_jid jid;
	char text[];
};

/* A copy that somebody asks about. */
struct note {
	struct recipient *to;           /* counted */
	int64_t mark;
};

struct fan_side {
	struct link in_shard;           /* shard.fan_sides, from the first letter on */
	struct table by_number;
	struct link all, news;
	struct timeout tell;
	int fan_shard;
	uint64_t serial;
	/* what waits because the one before is served in slices */
	struct fan_letter *first, **last;
	struct link *at;                /* whom that one goes to next; NULL: it has not begun */
	struct letter go_on;
	bool going_on;                  /* `go_on` is on its way */
	struct sc_jid from;
	char text[];
};

struct fan_side *
fan_side_new(const struct sc_jid *from, int fan_shard, uint64_t serial)
{
	size_t n = strlen(from->text) + 1;
	struct fan_side *s = calloc(1, sizeof *s + n);

	sc_assert(s != NULL);
	link_init(&s->in_shard);
	link_init(&s->all);
	link_init(&s->news);
	s->fan_shard = fan_shard;
	s->serial = serial;
	s->last = &s->first;
	s->from = *from;
	s->from.text = memcpy(s->text, from->text, n);
	return s;
}

/* --- news for the fan --- */

static void
reply(const struct fan_side *s, const struct recipient *r, bool lost)
{
	size_t n = strlen(r->text) + 1;
	struct fan_reply *l = calloc(1, sizeof *l + n);

	sc_assert(l != NULL);
	l->serial = s->serial;
	l->lost = lost;
	l->mark = r->marked;
	l->to = r->jid;
	l->to.text = memcpy(l + 1, r->text, n);
	l->letter.open = fan_reply_open;
	l->letter.weight = sizeof *l + n;
	mailbox_post(s->fan_shard, &l->letter);
}

static void
tell(struct fan_side *s, struct recipient *r)
{
	link_remove(&r->news);
	if (r->marked <= r->told)
		return;
	r->told = r->marked;
	reply(s, r, false);
}

static void
tell_all(struct timeout *t)
{
	struct fan_side *s = container_of(t, struct fan_side, tell);

	list_each(&s->news, it, tmp)
		tell(s, container_of(it, struct recipient, news));
}

static void
has_mark(struct recipient *r, int64_t mark)
{
	if (mark <= r->marked)
		return;
	r->marked = mark;
	if (r->side == NULL || !link_alone(&r->news))
		return;
	link_append(&r->side->news, &r->news);
	if (!timeout_armed(&r->side->tell))
		timeout_set(&r->side->tell, TELL_MS);
}

static void
unref(struct recipient *r)
{
	if (--r->refs == 0)
		free(r);
}

static void
note_done(void *arg, bool safe)
{
	struct note *n = arg;

	if (safe)
		has_mark(n->to, n->mark);
	unref(n->to);
	free(n);
}

/* --- giving --- */

static struct note *
note_new(struct recipient *r, int64_t mark)
{
	struct note *n = malloc(sizeof *n);

	sc_assert(n != NULL);
	*n = (struct note){ r, mark };
	r->refs++;
	return n;
}

static void
give_session(struct recipient *r, struct sc_session *session, const struct fan_letter *l)
{
	bool asked = l->mark != 0;

	session_send(session, l->stanza, OUTQ_TO_SELF, NULL, NULL, NULL, asked ? note_done : NULL,
		asked ? note_new(r, l->mark) : NULL);
}

static void
give_ours(struct recipient *r, const struct fan_letter *l)
{
	struct sc_entity *e = entity_peek(&r->jid);
	struct sc_session *session = e != NULL ? sc_session_by_resource(e, sc_jid_resource(&r->jid))
		: NULL;

	if (session == NULL || session->ending) {
		r->lost = true;
		STAT_INC(fan_lost);
		reply(r->side, r, true);
	} else if (!route_behind_lane(e, l->stanza, &r->jid)) {
		give_session(r, session, l);
	}
}

static void
give(struct recipient *r, const struct fan_letter *l)
{
	struct sc_stanza *copy;

	if (r->lost)
		return;
	STAT_INC(fan_copies);
	if (r->ours) {
		give_ours(r, l);
		return;
	}
	copy = stanza_readdress(l->stanza, &r->jid);
	route(&copy, NULL);
	if (l->mark != 0)
		has_mark(r, l->mark);
}

/* --- the orders --- */

static bool
has_number(const struct table_node *node, const void *key)
{
	return container_of(node, struct recipient, node)->number == *(const uint32_t *)key;
}

static uint32_t
hash_of(uint32_t number)
{
	return number * UINT32_C(2654435761);
}

static struct recipient *
find(const struct fan_side *s, uint32_t number)
{
	struct table_node *n = table_find(&s->by_number, hash_of(number), has_number, &number);

	sc_assert(n != NULL);
	return container_of(n, struct recipient, node);
}

static void
add(struct fan_side *s, const struct fan_letter *l)
{
	size_t n = strlen(l->jid.text) + 1;
	struct recipient *r = calloc(1, sizeof *r + n);

	sc_assert(r != NULL);
	link_init(&r->link);
	link_init(&r->news);
	r->side = s;
	r->refs = 1;
	r->number = l->number;
	r->group = l->group;
	r->classes = l->classes;
	r->jid = l->jid;
	r->jid.text = memcpy(r->text, l->jid.text, n);
	r->ours = sc_host_find(sc_jid_domain(&r->jid)) != NULL;
	link_append(&s->all, &r->link);
	table_insert(&s->by_number, &r->node, hash_of(r->number));
}

static void
take_out(struct fan_side *s, struct recipient *r)
{
	tell(s, r);
	table_remove(&s->by_number, &r->node);
	link_remove(&r->link);
	r->side = NULL;
	unref(r);
}

static void
side_free(struct fan_side *s)
{
	timeout_clear(&s->tell);
	link_remove(&s->in_shard);
	list_each(&s->all, it, tmp)
		take_out(s, container_of(it, struct recipient, link));
	table_free(&s->by_number);
	free(s);
}

/* False: a part of them, the rest in the next turn. */
static bool
copy_slice(struct fan_side *s, const struct fan_letter *l)
{
	int left = fan_slice;

	if (s->at == NULL)
		s->at = s->all.next;
	for (; s->at != &s->all; s->at = s->at->next) {
		struct recipient *r = container_of(s->at, struct recipient, link);

		if (left-- == 0)
			return false;
		if ((r->classes & l->classes) != 0 && (l->group == 0 || r->group != l->group))
			give(r, l);
	}
	s->at = NULL;
	return true;
}

static bool
obey(struct fan_side *s, struct fan_letter *l)
{
	switch (l->order) {
	case FAN_ADD:
		add(s, l);
		return true;
	case FAN_CLASSIFY:
		find(s, l->number)->classes = l->classes;
		return true;
	case FAN_REMOVE:
		take_out(s, find(s, l->number));
		return true;
	case FAN_COPY_ONE:
		give(find(s, l->number), l);
		return true;
	case FAN_COPY:
		return copy_slice(s, l);
	case FAN_END:
		break;
	}
	return true;
}

static void work(struct fan_side *);

static void
go_on(struct letter *letter)
{
	struct fan_side *s = container_of(letter, struct fan_side, go_on);

	s->going_on = false;
	work(s);
	route_run();
}

static void
work(struct fan_side *s)
{
	struct fan_letter *l;

	while ((l = s->first) != NULL && obey(s, l)) {
		bool end = l->order == FAN_END;

		s->first = l->next;
		if (s->first == NULL)
			s->last = &s->first;
		sc_stanza_free(&l->stanza);
		free(l);
		if (end) {
			side_free(s);
			return;
		}
	}
	if (s->first == NULL)
		return;
	s->going_on = true;
	s->go_on = (struct letter){ .open = go_on, .weight = sizeof s->go_on };
	mailbox_post(loop_id(), &s->go_on);
}

/* A hook that is called on the way may end a session, but not send by this fan: that is routed, and
 * routing waits for us. */
void
fan_side_apply(struct fan_letter *l)
{
	struct fan_side *s = l->side;
	bool idle = s->first == NULL;

	if (link_alone(&s->in_shard)) {
		link_append(&shard.fan_sides, &s->in_shard);
		timeout_init(&s->tell, tell_all);
	}
	l->next = NULL;
	*s->last = l;
	s->last = &l->next;
	if (idle)
		work(s);
}

void
fan_sides_stop(void)
{
	while (!link_alone(&shard.fan_sides)) {
		struct fan_side *s = container_of(shard.fan_sides.next, struct fan_side, in_shard);

		while (s->first != NULL) {
			struct fan_letter *l = s->first;

			s->first = l->next;
			sc_stanza_free(&l->stanza);
			free(l);
		}
		list_each(&s->all, it, tmp)
			/* nobody is there to be told */
			container_of(it, struct recipient, link)->told = INT64_MAX;
		side_free(s);
	}
}
