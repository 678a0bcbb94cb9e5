/* SPDX-License-Identifier: MIT */
/* events: payloads, and what is expanded from events.def. Included by hook.h, in the middle of
 * it. */
#ifndef STONECHAT_HOOK_H
#include <stonechat/hook.h>
#endif
#ifndef STONECHAT_EVENTS_H
#define STONECHAT_EVENTS_H

struct sc_ev_stanza {
	struct sc_stanza *stanza;       /* owned by the chain; changeable until sealed */
};

struct sc_ev_session {
	struct sc_session *session;
};

struct sc_ev_presence {
	struct sc_session *session;
	bool was_available, is_available;
	int8_t old_priority, priority;
	/* the new one; NULL when the session died without a word */
	const struct sc_stanza *presence;
};

struct sc_notes;

struct sc_ev_notes {
	struct sc_session *session;
	struct sc_notes *notes;         /* notes.h */
};

struct sc_ev_resume {
	struct sc_entity *account;
	const char *id;                 /* the SM-ID that the client gave */
	uint32_t h;
};

struct sc_ev_account {
	struct sc_entity *account;
};

struct sc_ev_account_name {
	const struct sc_jid *jid;
	int64_t id;
};

struct sc_owed;

struct sc_ev_owed {
	struct sc_entity *account;
	struct sc_owed *owed;
};

enum sc_settled {
	/* everybody who was owed it has it, or it is with somebody and the others are gone: delete
	 * the row */
	SC_SETTLED_SAFE,
	/* fewer are owed it, or somebody has acknowledged it: sc_owed_list(), sc_owed_acked() */
	SC_SETTLED_CHANGED,
	/* nobody has it and nobody waits for it: the row is for the next session that drains the
	 * spool */
	SC_SETTLED_PLAIN,
};

struct sc_ev_settled {
	struct sc_entity *account;
	struct sc_owed *owed;
	enum sc_settled how;
};

/* RFC 6121 §2.1.2.5; bits */
enum sc_subscription { SC_SUB_NONE = 0, SC_SUB_TO = 1, SC_SUB_FROM = 2, SC_SUB_BOTH = 3 };

struct sc_ev_contact {
	struct sc_entity *account;
	const struct sc_jid *contact;           /* looked up by its bare form */
	enum sc_subscription subscription;      /* out; NONE when nobody knows it */
	bool in_roster;                         /* out */
};

struct sc_ev_contacts {
	struct sc_entity *account;
	unsigned mask;                          /* visit those with any of these SC_SUB_ bits */
	void (*visit)(void *arg, const struct sc_jid *bare, enum sc_subscription);
	void *arg;
};

struct sc_ev_contact_changed {
	struct sc_entity *account;
	const struct sc_jid *contact;           /* bare */
	enum sc_subscription was, is;
};

struct sc_ev_disco {
	struct sc_disco *disco;                 /* see disco.h */
};

struct sc_ev_features {
	struct sc_session *session;             /* NULL: before bind */
	struct sc_stanza *into;                 /* add to its root <stream:features/> */
};

struct sc_ev_conf {
	int unused;
};

enum sc_given {
	SC_GIVEN_SESSIONS,      /* RFC 6121 §8 named some, and they were given it */
	SC_GIVEN_SPOOL,         /* a FALLBACK hook took it */
	SC_GIVEN_NOBODY,        /* it ended here, without an error */
};

struct sc_ev_given {
	struct sc_entity *account;
	const struct sc_stanza *message;
	enum sc_given how;
};

struct sc_ev_acked {
	struct sc_session *session;
	const struct sc_stanza *stanza;
};

struct sc_ev_room_message {
	struct sc_entity *room;
	int64_t room_id;                /* for tables */
	/* greater than that of every earlier message of the room; also the id in its
	 * <stanza-id/> */
	int64_t sequence;
	struct sc_stanza *stanza;       /* type groupchat, from = room/nick, no `to`, not sealed */
	const struct sc_jid *sender;    /* full real JID; NULL: the room itself, as for the rest */
	const char *affiliation, *role, *occupant_id;
};

struct sc_room_access;

struct sc_ev_room_access {
	struct sc_entity *room;
	const struct sc_jid *asker;     /* real JID, bare or full */
	struct sc_room_access *access;  /* out, zeroed: service.h */
};

enum sc_event {
#define FILTER(name, payload, text) SC_EV_##name,
#define OBSERVE(name, payload, text) SC_EV_##name,
#define GATHER(name, payload, text) SC_EV_##name,
#include <stonechat/events.def>
#undef FILTER
#undef OBSERVE
#undef GATHER
	SC_EVENTS
};

union sc_handler {
#define FILTER(name, payload, text) enum sc_verdict (*name)(struct sc_ctx *, payload *);
#define OBSERVE(name, payload, text) void (*name)(struct sc_ctx *, const payload *);
#define GATHER(name, payload, text) void (*name)(struct sc_ctx *, payload *);
#include <stonechat/events.def>
#undef FILTER
#undef OBSERVE
#undef GATHER
	void (*any)(void);
};

#endif
