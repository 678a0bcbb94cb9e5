/* SPDX-License-Identifier: MIT */
/* presence: who is online, told to those who may know (RFC 6121 §4). presence.h says what is in
 * which file. */
#include "presence/presence.h"

static SC_COUNTER(presence_refused_count,
	"Presences refused because they were malformed or too large");
static SC_COUNTER(presence_directed_full_count,
	"Directed presences refused because a client had sent too many");
static SC_COUNTER(presence_copies_count, "Copies of presence sent to contacts");
const struct sc_counter *const presence_refused = &presence_refused_count;
const struct sc_counter *const presence_directed_full = &presence_directed_full_count;
const struct sc_counter *const presence_copies = &presence_copies_count;

static SC_SLOT(presence_account, SC_SLOT_ENTITY, struct presence_account, presence_account_fini);
static SC_SLOT(presence_directed, SC_SLOT_SESSION, struct directed, directed_fini);
static SC_SLOT(presence_shard, SC_SLOT_SHARD, struct presence_shard, NULL);
const struct sc_slot *const presence_account_slot = &presence_account;
const struct sc_slot *const presence_directed_slot = &presence_directed;
const struct sc_slot *const presence_shard_slot = &presence_shard;

static struct presence_account *
account_of(struct sc_entity *account)
{
	return sc_entity_slot(account, &presence_account);
}

/* --- what a client's own presence starts --- */

/* To the user's own devices (§4.2.2, §4.4.2, §4.5.2), the one that it is of too, if it lives. */
static void
show_own_devices(const struct sc_ev_presence *ev, const struct sc_stanza *presence)
{
	struct sc_entity *account = sc_session_account(ev->session);

	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (s == ev->session ? ev->presence != NULL : sc_session_available(s))
			sc_push_shared(s, presence, NULL);
}

/* A device that has just become available sees the others. */
static void
show_others(struct sc_entity *account, struct sc_session *to)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (s != to && sc_session_available(s)) {
			struct sc_stanza *other = sc_session_last_presence(s);

			sc_push(to, &other);
		}
}

static struct sc_stanza *
make_probe(struct sc_entity *account)
{
	struct sc_stanza *probe = sc_stanza_new(SC_PRESENCE, SC_TYPE_PROBE, sc_entity_jid(account),
		NULL, NULL);

	sc_set_id(probe, sc_token(sc_stanza_arena(probe)));
	sc_seal(probe);
	return probe;
}

static struct sc_stanza *
make_unavailable(const struct sc_session *session)
{
	struct sc_stanza *gone = sc_stanza_new(SC_PRESENCE, SC_TYPE_UNAVAILABLE,
		sc_session_jid(session), NULL, NULL);

	sc_seal(gone);
	return gone;
}

static bool
anybody_available(struct sc_entity *account)
{
	for (struct sc_session *s = NULL; (s = sc_session_next(account, s)) != NULL;)
		if (sc_session_available(s))
			return true;
	return false;
}

static void
now_available(struct sc_entity *account, const struct sc_ev_presence *ev,
	const struct sc_stanza *presence)
{
	struct sc_stanza *probe = ev->was_available ? NULL : make_probe(account);

	show_own_devices(ev, presence);
	if (!ev->was_available)
		show_others(account, ev->session);
	cast_start(account, sc_session_number(ev->session), presence, probe);
	sc_stanza_free(&probe);
}

static void
now_unavailable(struct sc_entity *account, const struct sc_ev_presence *ev,
	const struct sc_stanza *presence)
{
	if (ev->was_available) {
		show_own_devices(ev, presence);
		cast_start(account, sc_session_number(ev->session), presence, NULL);
		if (!anybody_available(account))
			account_of(account)->gone_at = sc_now();
	}
	directed_end(ev->session, presence, ev->was_available);
}

/* Runs for what a client sends and, without a presence, for every kind of death. */
static void
own_presence(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	struct sc_entity *account = sc_session_account(ev->session);
	struct sc_stanza *presence;

	(void)ctx;
	if (ev->presence != NULL) {
		presence = sc_stanza_copy(ev->presence);
		sc_seal(presence);
	} else {
		presence = make_unavailable(ev->session);
	}
	if (ev->is_available)
		now_available(account, ev, presence);
	else
		now_unavailable(account, ev, presence);
	sc_stanza_free(&presence);
}

/* A client that was never available may have sent directed presence too (§4.6.3, case 3). */
static void
session_over(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	struct sc_stanza *gone;

	(void)ctx;
	if (sc_session_slot_peek(ev->session, &presence_directed) == NULL)
		return;
	gone = make_unavailable(ev->session);
	directed_end(ev->session, gone, false);
	sc_stanza_free(&gone);
}

/* --- what a client sends --- */

static enum sc_verdict
presence_out(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_session *session = sc_session(ctx);
	enum sc_type type = sc_type(ev->stanza);

	if (sc_kind(ev->stanza) != SC_PRESENCE)
		return SC_PASS;
	if (type != SC_TYPE_AVAILABLE && type != SC_TYPE_UNAVAILABLE) {
		/* To nobody; and subscriptions are the roster's. */
		bool means_nothing = type == SC_TYPE_ERROR || type == SC_TYPE_PROBE;

		return sc_to(ev->stanza) == NULL && means_nothing ? SC_DROPPED : SC_PASS;
	}
	if (session == NULL)
		return SC_DROPPED;      /* it has ended, and that was told */
	if (sc_to(ev->stanza) != NULL)
		return directed_out(ctx, session, ev->stanza);
	sc_session_presence(ctx, session, ev->stanza);
	return cast_wait(ctx, session);
}

/* --- the module --- */

static const struct sc_hook hooks[] = {
	SC_ON(from_client, CHECK, presence_check),
	SC_ON(from_client, DELIVERY, presence_out),
	SC_ON(to_user, POLICY, presence_guard),
	SC_ON(to_user, DELIVERY, presence_in),
	SC_SEE(session_presence, own_presence),
	SC_SEE(session_gone, session_over),
	SC_SEE(contact_changed, presence_contact_changed),
	SC_END
};

static const struct sc_key conf[] = {
	SC_CONF_SIZE(struct presence_conf, max_size, "16KiB", 512, 262144,
		"A larger presence is refused: each contact gets a copy."),
	SC_CONF_INT(struct presence_conf, max_directed, "500", 1, 100000,
		"Rooms and strangers that one client may have sent directed presence."),
	SC_CONF_END
};

SC_MODULE(presence,
	.summary = "Tells contacts who is online.",
	.implements = SC_LIST("RFC-6121 4", "RFC-6121 8.5.3.1"),
	.slots = SC_SLOTS(&presence_account, &presence_directed, &presence_shard),
	.counters = SC_COUNTERS(&presence_refused_count, &presence_directed_full_count,
		&presence_copies_count),
	.hooks = hooks,
	.conf = conf,
	.conf_size = sizeof(struct presence_conf),
	.shard_stop = cast_finish_all
);
