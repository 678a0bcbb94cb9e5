/* SPDX-License-Identifier: MIT */
/* shard: starting and ending a shard's core; what the core lends to the plugin layer. */
#include "config.h"

#include <string.h>
#include <stonechat/log.h>
#include <stonechat/timer.h>
#include "base/budget.h"
#include "base/clock.h"
#include "base/stats.h"
#include "core/about.h"
#include "core/custody.h"
#include "core/entity.h"
#include "core/fan.h"
#include "core/remote.h"
#include "core/route.h"
#include "core/session.h"
#include "core/shard.h"
#include "net/loop.h"
#include "net/timer.h"
#include "plugin/hook.h"
#include "xmpp/stanza.h"

_Thread_local struct shard shard;

/* An answer to a session of this shard goes straight into its queue; everything else is routed. */
static void
reply(struct sc_ctx *ctx, struct sc_stanza **taken)
{
	struct sc_stanza *s = *taken;
	struct sc_session *session = sc_session(ctx);

	*taken = NULL;
	if (sc_type(s) == SC_TYPE_ERROR && !custody_fail(ctx->custody)) {
		sc_stanza_free(&s);
		return;
	}
	if (sc_type(s) == SC_TYPE_ERROR && sc_kind(s) == SC_MESSAGE)
		STAT_INC(messages_bounced);
	if (session != NULL && sc_to(s) != NULL && sc_jid_same(sc_to(s), &session->jid))
		sc_push(session, &s);
	else if (sc_from(s) != NULL && sc_to(s) != NULL)
		route(&s, NULL);
	sc_stanza_free(&s);
}

static bool
session_is_gone(const struct sc_session *s)
{
	return s->gone || s->ending;
}

static struct store *
shard_store(void)
{
	return shard.store;
}

static const struct ctx_core lent = {
	.entity_ref = entity_ref, .entity_unref = entity_unref,
	.session_ref = session_ref, .session_unref = session_unref, .session_gone = session_is_gone,
	.reply = reply, .custody_hold = custody_hold, .custody_release = custody_release,
	.store = shard_store,
};

static void
turn_end(void *arg)
{
	(void)arg;
	route_run();
	session_flush_dirty();
	/* Writing may have ended sessions, and told modules that there is room. */
	route_run();
	remote_flush();
	if (!link_alone(&shard.dirty))
		loop_again();
	entity_sweep();
	store_flush(shard.store);
	budget_update();
}

void
shard_setup(void)
{
	ctx_core = &lent;
	about_setup();
}

void
shard_start(const struct store_conf *conf)
{
	memset(&shard, 0, sizeof shard);
	link_init(&shard.idle);
	link_init(&shard.dirty);
	link_init(&shard.leaving);
	link_init(&shard.routing);
	link_init(&shard.sessions);
	table_init(&shard.entities);
	table_init(&shard.lanes);
	table_init(&shard.fans);
	link_init(&shard.fan_sides);
	shard.store = store_open(loop_base(loop_id()), conf);
	loop_at_turn_end(turn_end, NULL);
}

void
shard_stop(void)
{
	remote_stop();
	store_close(&shard.store);
	fan_sides_stop();
	entity_unload_all();
	fans_stop();
	table_free(&shard.entities);
	table_free(&shard.lanes);
	host_thread_done();
	slot_thread_done();
	ctx_thread_done();
	session_thread_done();
	stanza_thread_done();
}

int64_t
sc_now(void)
{
	return clock_wall();
}

int64_t
sc_moment(void)
{
	int64_t now = clock_wall() & ~INT64_C(1);

	shard.moment = now > shard.moment ? now : shard.moment + 2;
	return shard.moment;
}

int64_t
sc_mono(void)
{
	return clock_mono();
}

const char *
sc_version(void)
{
	return PACKAGE_VERSION;
}
