/* SPDX-License-Identifier: MIT */
/*
 * roster: what the files of this module share.
 *
 *	roster.c        the module's tables, its slots, loading, and the events that others ask
 *	roster_state    Appendix A as data
 *	roster_book     an account's contacts in memory
 *	roster_change   one change of a roster at a time, and how a subscription's change is written
 *	roster_get, roster_set          the IQs of §2
 *	roster_out, roster_in           subscription stanzas (§3), sent and received
 *	roster_push     what interested clients are told
 *	roster_login    requests that wait for an answer, shown at each login
 *	roster_farewell what contacts are told when an account is deleted
 */
#ifndef ROSTER_H
#define ROSTER_H

#include <stonechat/stonechat.h>
#include "roster/roster_book.h"
#include "roster/roster_state.h"

#define NS_ROSTER "jabber:iq:roster"

struct roster_conf {
	int64_t max_items, max_name, max_groups, max_group_names, max_group_length;
	int64_t max_requests, max_request_size, max_removals;
	bool versioning;
};

/* Of an account, loaded with it. The book always shows what is committed. */
struct roster {
	struct book book;
	int64_t last_request;           /* when the latest of the kept requests came */
	bool loaded;                    /* false: the module was switched on later */
	bool busy;                      /* a change is under way */
	bool waking;
	struct change *first, *last;    /* that wait for it */
};

/*
 * One change, in the arena of the stanza that asks for it. begin() runs when no other change of
 * this roster is under way: it looks at the book, and either ends by roster_leave() or writes; the
 * continuation of the write changes the book and ends by roster_leave().
 */
struct change {
	enum sc_verdict (*begin)(struct sc_ctx *, struct change *);
	struct sc_entity *account;
	struct roster *roster;
	const struct sc_jid *contact;   /* bare */
	int64_t version;
	unsigned was, is;               /* bits of roster_book.h */
	const struct roster_step *step; /* of subscription stanzas */
	struct sc_stanza *kept;         /* a request as it is stored */
	struct sc_span name;            /* of a roster set */
	struct sc_span *groups;
	int n_groups;
	struct sc_wait *token;
	struct change *next;
};

extern const struct sc_counter *const roster_full, *const roster_requests_full,
	*const roster_pushes;
extern const struct sc_module sc_module_roster;

struct roster *roster_of(struct sc_entity *);
/* The client asked for the roster, so it hears of changes (§2.2). */
bool roster_is_interested(const struct sc_session *);
void roster_set_interested(struct sc_session *);

/* --- roster_change.c --- */
enum sc_verdict roster_enter(struct sc_ctx *, struct change *) SC_MUST_CHECK;
void roster_leave(struct change *);
int64_t roster_next_version(const struct roster *);
/* The bits after a step of the tables; approval aside. */
unsigned roster_bits_after(unsigned was, enum roster_state next);
enum roster_state roster_state_in_bits(unsigned bits);
/* A client can see the difference of was and is. */
bool roster_seen_to_change(const struct change *);
/* Writes the difference of was and is, of which there must be one; cont calls roster_commit()
 * when that went well. */
enum sc_verdict roster_write(struct sc_ctx *, struct change *, sc_rows_cont) SC_MUST_CHECK;
void roster_commit(struct change *);
bool roster_written(const struct sc_rows *);
/* Leaves, and tells the sender that nothing was changed. */
enum sc_verdict roster_not_written(struct sc_ctx *, struct change *,
	const struct sc_rows *) SC_MUST_CHECK;
/* Bounds how many removals are remembered. */
void roster_bound_removals(struct sc_entity *, struct roster *, int64_t max);

/* --- roster_push.c --- */
void roster_add_item(struct sc_stanza *, struct sc_elem *query, const struct book *,
	const struct contact *);
void roster_set_version(struct sc_stanza *, struct sc_elem *query, int64_t version);
/* One contact as it is now to one client; to all interested ones of the account. */
void roster_push_to(struct sc_session *, const struct book *, const struct sc_jid *contact,
	int64_t version);
void roster_push(struct sc_entity *, const struct sc_jid *contact);
/* A subscription stanza as the contact sent it: to the available clients, or to the interested
 * ones. */
enum roster_audience { TO_AVAILABLE, TO_INTERESTED };
void roster_show(struct sc_entity *, const struct sc_stanza *, enum roster_audience);
/* Sends a subscription stanza from the account's bare JID. */
void roster_send(struct sc_entity *, const struct sc_jid *to, enum sc_type, const char *id);

/* --- the rest: handlers --- */
enum sc_verdict roster_get(struct sc_ctx *, const struct sc_elem *query);
enum sc_verdict roster_set(struct sc_ctx *, const struct sc_elem *query);
enum sc_verdict roster_out(struct sc_ctx *, struct sc_ev_stanza *);
enum sc_verdict roster_in(struct sc_ctx *, struct sc_ev_stanza *);
void roster_login(struct sc_ctx *, const struct sc_ev_presence *);
void roster_farewell(struct sc_ctx *, const struct sc_ev_account_name *);

#endif
