/* SPDX-License-Identifier: MIT */
/*
 * presence: what the files of this module share.
 *
 *	presence.c            the module's tables, and what a client sends
 *	presence_check        what a client may not send
 *	presence_cast         one presence to all contacts, in slices
 *	presence_directed     whom a client has sent directed presence
 *	presence_probe        probes, and presence that goes with a change of subscription
 *	presence_guard        who may send a request to a client
 */
#ifndef PRESENCE_H
#define PRESENCE_H

#include <stonechat/stonechat.h>

struct presence_conf {
	int64_t max_size, max_directed;
};

extern const struct sc_counter *const presence_refused, *const presence_directed_full,
	*const presence_copies;
extern const struct sc_slot *const presence_account_slot, *const presence_directed_slot;
extern const struct sc_slot *const presence_shard_slot;

/* Of an account. */
struct presence_account {
	struct cast *first, *last;      /* in order; a later one must not overtake */
	struct sc_timer *timer;         /* set while there are any */
	int64_t gone_at;                /* wall µs when its last client became unavailable; or 0 */
};

struct presence_shard {
	struct cast *casts;
};

/* --- presence_check.c --- */
bool presence_is_priority(const char *text);
enum sc_verdict presence_check(struct sc_ctx *, struct sc_ev_stanza *);

/* --- presence_cast.c --- */
/* Sends presence to all who are subscribed and probe (may be NULL) to all whom the account is
 * subscribed to. What does not go at once goes in slices, after what is still under way. Both
 * are sealed and lent. */
void cast_start(struct sc_entity *account, uint64_t session, const struct sc_stanza *presence,
	const struct sc_stanza *probe);
/* SC_TAKEN, or a hold until the cast of this session is over: what the client sends next must
 * not overtake it. */
enum sc_verdict cast_wait(struct sc_ctx *, struct sc_session *) SC_MUST_CHECK;
/* The shard stops: what is under way is sent now. */
void cast_finish_all(struct sc_ctx *);
void presence_account_fini(void *slot);

/* --- presence_directed.c --- */
struct directed {                       /* of a session */
	struct sc_jid **jids;           /* each malloced in one piece with its text */
	size_t n, room;
};

void directed_fini(void *slot);
/* The client sends available or unavailable presence to somebody. SC_PASS: it may go. */
enum sc_verdict directed_out(struct sc_ctx *, struct sc_session *,
	const struct sc_stanza *) SC_MUST_CHECK;
/* `from` (its bare form: all of its resources too) does not see these any more, or does not want
 * to. */
void directed_forget(struct sc_session *, const struct sc_jid *from, bool whole_bare);
bool directed_has(const struct sc_session *, const struct sc_jid *);
/* The client is unavailable: those who only know by directed presence hear it, and the list is
 * empty then. subscribers_know: they got the broadcast. unavailable is sealed and lent. */
void directed_end(struct sc_session *, const struct sc_stanza *unavailable, bool subscribers_know);

/* --- presence_guard.c --- */
enum sc_verdict presence_guard(struct sc_ctx *, struct sc_ev_stanza *);

/* --- presence_probe.c --- */
enum sc_verdict presence_in(struct sc_ctx *, struct sc_ev_stanza *);
void presence_contact_changed(struct sc_ctx *, const struct sc_ev_contact_changed *);

#endif
