/* SPDX-License-Identifier: MIT */
/*
 * owed: messages that sessions have been given and have not acknowledged yet (XEP-0198), which must
 * survive us. The core decides when one needs a row in the spool; the module that keeps the spool
 * writes, changes and deletes rows.
 */
#ifndef STONECHAT_OWED_H
#define STONECHAT_OWED_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

/* One message of one account; lent to the events' hooks, and valid until message_settled. */
struct sc_owed;

const struct sc_stanza *sc_owed_stanza(const struct sc_owed *);         /* sealed */
/* wall µs: when the sessions were given it */
int64_t sc_owed_since(const struct sc_owed *);
/* The sessions that are still owed it, as "ID:NUMBER ID:NUMBER …" (the XEP-0198 id, and the number
 * that the stanza has or will have in that stream), for the row. */
char *sc_owed_list(struct sc_arena *, const struct sc_owed *);
/* A client that is on the row's list, but not among the sessions, turns out to have it. */
void sc_owed_had(struct sc_owed *);
/* Some session has acknowledged it, though others are still owed it. */
bool sc_owed_acked(const struct sc_owed *);
/* The module's row: set in message_owed. 0: none. */
int64_t sc_owed_sequence(const struct sc_owed *);
void sc_owed_set_sequence(struct sc_owed *, int64_t);
enum sc_owed_kept {
	SC_OWED_KEPT,           /* the row is committed */
	SC_OWED_FAILED,         /* it cannot be written now: the sender hears of it */
	/* this message is not to be kept (XEP-0334, chat states): memory is all it has */
	SC_OWED_NOT_WANTED,
};
/* Ends what message_owed began. Exactly once, from the account's shard. */
void sc_owed_stored(struct sc_owed *, enum sc_owed_kept);

/* A row as it was written, and what has become of it. */
struct sc_restored {
	int64_t sequence, since;
	/* of sc_owed_list(); of several mentions of a session the last counts */
	const char *list;
	const char *patch;              /* XML to be added for the client; may be NULL */
	bool acked;                     /* some session had acknowledged it */
};
/* For sessions_restored: the sessions that the list names are owed the message again. NULL: none of
 * them has come back, so the row is for whoever drains the spool, or for nobody when it was
 * acknowledged. Else valid until message_settled. */
struct sc_owed *sc_owed_restore(struct sc_entity *account, const struct sc_stanza *sealed,
	const struct sc_restored *);

#pragma GCC visibility pop

#endif
