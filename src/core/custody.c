/* SPDX-License-Identifier: MIT */
/* custody: counting holds across shards and moving the handled prefix on. */
#include "config.h"

#include <stdlib.h>
#include <stonechat/log.h>
#include "base/stats.h"
#include "core/custody.h"
#include "core/session.h"
#include "net/loop.h"

void
custody_prefix_init(struct custody_prefix *p)
{
	link_init(&p->open);
}

static struct custody *
custody_new(void)
{
	struct custody *c = calloc(1, sizeof *c);

	sc_assert(c != NULL);
	link_init(&c->link);
	atomic_init(&c->holds, 1);
	c->shard = loop_id();
	STAT_INC(custody_now);
	return c;
}

struct custody *
custody_begin(struct sc_session *session, struct custody_prefix *p)
{
	struct custody *c;

	if (!p->counts)
		return NULL;
	c = custody_new();
	c->session = session;
	session_ref(session);
	link_append(&p->open, &c->link);
	return c;
}

struct custody *
custody_begin_own(void (*done)(void *arg, bool safe), void *arg)
{
	struct custody *c = custody_new();

	c->done = done;
	c->arg = arg;
	return c;
}

static void
custody_free(struct custody *c)
{
	link_remove(&c->link);
	free(c);
	STAT_DEC(custody_now);
}

/* `h` is the length of the discharged prefix: later ones wait for earlier ones. */
static void
advance(struct sc_session *session)
{
	struct custody_prefix *p = &session->prefix;
	uint32_t before = p->handled;

	list_each(&p->open, it, tmp) {
		struct custody *c = container_of(it, struct custody, link);

		if (!c->discharged)
			break;
		p->handled++;
		custody_free(c);
	}
	if (p->handled != before && p->grew != NULL)
		p->grew(session);
}

static void
discharge(struct custody *c)
{
	struct sc_session *session = c->session;

	if (session == NULL) {
		c->done(c->arg, !atomic_load(&c->failed));
		custody_free(c);
		return;
	}
	c->discharged = true;
	advance(session);
	session_unref(session);
}

static void
came_home(struct letter *letter)
{
	discharge(container_of(letter, struct custody, letter));
}

void
custody_hold(struct custody *c)
{
	if (c != NULL)
		atomic_fetch_add(&c->holds, 1);
}

void
custody_release(struct custody *c)
{
	if (c == NULL || atomic_fetch_sub(&c->holds, 1) != 1)
		return;
	if (c->shard == loop_id()) {
		discharge(c);
		return;
	}
	c->letter = (struct letter){ .open = came_home, .weight = sizeof *c };
	mailbox_post(c->shard, &c->letter);
}

bool
custody_fail(struct custody *c)
{
	return c == NULL || !atomic_exchange(&c->failed, true);
}
