/* SPDX-License-Identifier: MIT */
/* admin_session: `session list`, `session show`, `session close`. */
#include "config.h"

#include <string.h>
#include <stonechat/log.h>
#include "base/clock.h"
#include "core/admin_core.h"
#include "core/entity.h"
#include "core/session.h"
#include "core/shard.h"

#define LIST_MAX 1000

static const char *
ago(struct sc_arena *a, int64_t wall_us)
{
	int64_t s = (clock_wall() - wall_us) / 1000000;

	if (s < 60)
		return sc_format(a, "%llds", (long long)s);
	if (s < 3600)
		return sc_format(a, "%lldm", (long long)(s / 60));
	if (s < 86400)
		return sc_format(a, "%lldh%02lldm", (long long)(s / 3600),
			(long long)(s / 60 % 60));
	return sc_format(a, "%lldd", (long long)(s / 86400));
}

static const char *
state_of(const struct sc_session *s)
{
	if (s->stream == NULL)
		return "asleep";
	return s->presence != NULL ? "available" : "silent";
}

/* --- session list --- */

/* wanted: an account, a host, or NULL for all. */
static bool
fits(const struct sc_jid *wanted, const struct sc_session *s)
{
	struct sc_span mine = sc_jid_domain(&s->jid), theirs;

	if (wanted == NULL)
		return true;
	if (!sc_jid_is_domain(wanted))
		return sc_jid_same_bare(wanted, &s->jid);
	theirs = sc_jid_domain(wanted);
	return mine.n == theirs.n && memcmp(mine.p, theirs.p, mine.n) == 0;
}

static void
list_one(struct sc_command *c, const struct sc_session *s)
{
	struct sc_arena *a = sc_command_arena(c);

	sc_command_row(c, (const char *const[]){ s->jid.text, sc_session_peer(s), ago(a, s->since),
		ago(a, s->active), state_of(s),
		sc_format(a, "%d", s->priority), sc_format(a, "%u", s->outq.n) });
}

static void
session_list(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);
	const char *named = sc_command_arg(c, 0), *limit = sc_command_option(c, "limit");
	const struct sc_jid *wanted = named != NULL ? sc_jid(a, named) : NULL;
	uint64_t left = LIST_MAX;
	uint64_t more = 0;

	if ((named != NULL && wanted == NULL) || (limit != NULL && !sc_read_number(limit, 1000000,
	    &left))) {
		admin_fail(&c, "%s is neither an account, nor a host, nor a limit",
			wanted == NULL && named ? named : limit);
		return;
	}
	sc_command_columns(c, (const char *const[]){ "jid", "peer", "for", "idle", "state",
		"priority", "queued", NULL });
	list_each(&shard.sessions, it, tmp) {
		const struct sc_session *s = container_of(it, struct sc_session, in_shard);

		if (!fits(wanted, s))
			continue;
		if (left > 0)
			list_one(c, s);
		else
			more++;
		left -= left > 0;
	}
	if (more > 0)
		sc_command_fact_int(c, "not_shown", (int64_t)more);
	sc_command_done(&c);
}

/* --- one account's --- */

/* Argument 0 with a resource names one session, without one all of the account. */
static bool
named(const struct sc_command *c, const struct sc_session *s)
{
	const struct sc_jid *jid = sc_command_jid(c);

	return sc_jid_is_bare(jid) || sc_jid_same(jid, &s->jid);
}

static void
show_one(struct sc_command *c, const struct sc_session *s)
{
	struct sc_arena *a = sc_command_arena(c);

	sc_command_fact(c, "jid", s->jid.text);
	sc_command_fact_int(c, "number", (int64_t)s->number);
	sc_command_fact(c, "peer", sc_session_peer(s));
	sc_command_fact(c, "since", admin_time(a, s->since));
	sc_command_fact(c, "active", admin_time(a, s->active));
	sc_command_fact(c, "state", state_of(s));
	sc_command_fact_int(c, "priority", s->priority);
	sc_command_fact_int(c, "queued", s->outq.n);
	sc_command_fact_int(c, "queued_bytes", (int64_t)s->outq.bytes);
	sc_command_fact_int(c, "waiting_in", s->n_inbox);
	sc_command_fact(c, "reading", s->paused ? "paused" : "yes");
	sc_command_fact(c, "acknowledges", s->prefix.counts ? "yes" : "no");
	sc_command_fact(c, "drains_spool", s->draining ? "yes" : "no");
	sc_command_fact(c, "presence", s->presence);
}

static void
session_show(struct sc_command *c)
{
	struct sc_entity *e = entity_peek(sc_command_jid(c));
	int n = 0;

	for (struct sc_session *s = NULL; e != NULL && (s = sc_session_next(e, s)) != NULL;)
		if (named(c, s) && n++ == 0)
			show_one(c, s);
	if (n == 0) {
		admin_fail(&c, "there is no session %s", sc_command_jid(c)->text);
		return;
	}
	if (n > 1)
		sc_command_text(c, sc_format(sc_command_arena(c), "\n%d more: session list %s",
			n - 1, sc_command_jid(c)->text));
	sc_command_done(&c);
}

static void
session_close(struct sc_command *c)
{
	const struct sc_jid *jid = sc_command_jid(c);
	const char *reason = sc_command_option(c, "reason");
	struct sc_entity *e = entity_peek(jid);
	struct sc_session *s;
	int n = 0;

	if (reason == NULL)
		reason = "Closed by the administrator.";
	if (sc_jid_is_bare(jid)) {
		n = admin_close_sessions(jid, "reset", reason);
	} else if (e != NULL && (s = sc_session_by_resource(e, sc_jid_resource(jid))) != NULL) {
		sc_session_close(s, "reset", reason);
		n = 1;
	}
	if (n == 0) {
		admin_fail(&c, "there is no session %s", jid->text);
		return;
	}
	sc_command_text(c, sc_format(sc_command_arena(c), n == 1 ? "%d session was closed."
		: "%d sessions were closed.", n));
	sc_command_done(&c);
}

const struct sc_command_row admin_session_rows[] = {
	{ .words = "session list", .args = "[JID|HOST] [--limit N]", .where = SC_ON_ALL,
		.max_args = 1, .fn = session_list,
		.help = "Lists sessions, at most 1000 of each shard unless told." },
	{ .words = "session show", .args = "JID", .where = SC_ON_JID, .min_args = 1, .max_args = 1,
		.fn = session_show,
		.help = "What is known of one session." },
	{ .words = "session close", .args = "JID [--reason TEXT]", .where = SC_ON_JID,
		.min_args = 1, .max_args = 1,
		.fn = session_close, .help = "Ends one session (a JID with resource) or all of an "
		"account." },
	{ .words = NULL }
};
