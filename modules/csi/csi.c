/* SPDX-License-Identifier: MIT */
/*
 * csi: a client that nobody looks at is not woken for what can wait (XEP-0352). What waits does so
 * in the session's own queue, in its place, so nothing overtakes and custody stays where it is; the
 * core writes it with the first thing that is urgent.
 */
#include "csi/csi.h"

#define NS_CSI "urn:xmpp:csi:0"

static SC_COUNTER(csi_held, "Stanzas that waited for an inactive client");
static SC_COUNTER(csi_full, "Times that too much waited for an inactive client");

struct csi_conf {
	int64_t max_held, max_bytes;
	bool presence, chat_states, receipts, notifications;
};

struct csi {
	bool inactive;
};

static SC_SLOT(csi_slot, SC_SLOT_SESSION, struct csi, NULL);

static bool
is_inactive(const struct sc_session *session)
{
	const struct csi *c = sc_session_slot_peek(session, &csi_slot);

	return c != NULL && c->inactive;
}

/* --- what the client says --- */

static void
become_inactive(struct sc_ctx *ctx, const struct sc_elem *e)
{
	(void)e;
	((struct csi *)sc_session_slot(sc_session(ctx), &csi_slot))->inactive = true;
}

static void
wake(struct sc_session *session)
{
	if (!is_inactive(session))
		return;
	((struct csi *)sc_session_slot(session, &csi_slot))->inactive = false;
	sc_session_flush(session);
}

static void
become_active(struct sc_ctx *ctx, const struct sc_elem *e)
{
	(void)e;
	wake(sc_session(ctx));
}

/* §5.2: the state is not resumed. */
static void
resumed(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	(void)ctx;
	wake(ev->session);
}

static void
offer(struct sc_ctx *ctx, struct sc_ev_features *ev)
{
	(void)ctx;
	sc_add(ev->into, sc_stanza_root(ev->into), NS_CSI, "csi");
}

/* --- what it is sent --- */

static bool
may_be_held(const struct csi_conf *c, enum sort sort)
{
	switch (sort) {
	case SORT_PRESENCE:
		return c->presence;
	case SORT_STATE:
		return c->chat_states;
	case SORT_RECEIPT:
		return c->receipts;
	case SORT_NOTE:
		return c->notifications;
	case SORT_URGENT:
		break;
	}
	return false;
}

static bool
is_too_much(const struct csi_conf *c, const struct sc_session *session)
{
	size_t bytes, n = sc_session_waiting(session, &bytes);

	return n >= (size_t)c->max_held || bytes >= (size_t)c->max_bytes;
}

static enum sc_verdict
hold_what_can_wait(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	struct sc_session *session = sc_session(ctx);
	const struct csi_conf *c = sc_conf(ctx);
	struct urgency u;

	if (session == NULL || !is_inactive(session))
		return SC_PASS;
	u = urgency_of(session, ev->stanza);
	if (!may_be_held(c, u.sort)) {
		if (u.key != 0)
			sc_session_drop_later(session, u.key);
		return SC_PASS;
	}
	if (is_too_much(c, session)) {
		sc_count(&csi_full, 1);
		sc_session_flush(session);
		return SC_PASS;
	}
	sc_count(&csi_held, 1);
	sc_later(ctx, u.key, u.kept ? SC_COPY_KEPT : SC_COPY_NOT_KEPT);
	return SC_PASS;
}

/* --- the module --- */

static const struct sc_hook hooks[] = {
	SC_ON(to_session, COPY, hold_what_can_wait),
	SC_SEE(session_awake, resumed),
	SC_SEE(stream_features, offer),
	SC_END
};

static const struct sc_nonza nonzas[] = {
	{ SC_NONZA_STREAM | SC_NONZA_BIND, NS_CSI, "active", become_active },
	{ SC_NONZA_STREAM | SC_NONZA_BIND, NS_CSI, "inactive", become_inactive },
	{ 0 }
};

static const struct sc_key conf[] = {
	SC_CONF_INT(struct csi_conf, max_held, "100", 1, 500,
		"Stanzas that wait for one inactive client; then all are sent."),
	SC_CONF_SIZE(struct csi_conf, max_bytes, "64KiB", 1024, 1048576, "The same in bytes."),
	SC_CONF_BOOL(struct csi_conf, presence, "true",
		"Presence waits for an inactive client; of each sender the last one is sent."),
	SC_CONF_BOOL(struct csi_conf, chat_states, "true",
		"Chat states (XEP-0085) wait; of each sender the last one is sent."),
	SC_CONF_BOOL(struct csi_conf, receipts, "true",
		"Receipts (XEP-0184) and read marks (XEP-0333) wait."),
	SC_CONF_BOOL(struct csi_conf, notifications, "true",
		"Notifications of pubsub services and of contacts' accounts wait."),
	SC_CONF_END
};

SC_MODULE(csi,
	.summary = "Lets inactive clients sleep.",
	.implements = SC_LIST("XEP-0352 1.0.0", "XEP-0085 2.1"),
	.slots = SC_SLOTS(&csi_slot),
	.counters = SC_COUNTERS(&csi_held, &csi_full),
	.hooks = hooks,
	.nonzas = nonzas,
	.conf = conf,
	.conf_size = sizeof(struct csi_conf)
);
