/* SPDX-License-Identifier: MIT */
/*
 * send: what a module sends by itself.
 */
#ifndef STONECHAT_SEND_H
#define STONECHAT_SEND_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

/* Starts a stanza at *route*, as if the entity (its bare or full JID is `from`) had sent it,
 * without from_client hooks. From the home shard of `from`, or any shard when `from` is a host.
 * Order is kept per (from, to). */
void sc_send(struct sc_stanza **taken);
/* The same with custody of the module's own: done runs once on this shard when the message is safe
 * (true) or was answered with an error (false). */
void sc_send_with(struct sc_stanza **taken, void (*done)(void *arg, bool safe), void *arg);
/* The same for what a hook sends in place of the stanza of its ctx: the sender's acknowledgement
 * waits for this one too. */
void sc_send_on(struct sc_ctx *, struct sc_stanza **taken);
/* One of many copies of a sealed stanza of this shard's entity `from`, with this `to`. For
 * presence: nothing is loaded for it, so an account of ours that is not in memory, and has nobody
 * to show it to, does not get it. Order is that of sc_send. */
void sc_broadcast(const struct sc_stanza *sealed, const struct sc_jid *to);
/* Puts a stanza into one session's queue, past routing and delivery rules (pushes). `to` is set to
 * its full JID unless set. Only to_session hooks see it. */
void sc_push(struct sc_session *, struct sc_stanza **taken);
/* The same for a sealed one, shared with others: to is spliced in. patch (may be NULL): XML added
 * before the end tag. */
void sc_push_shared(struct sc_session *, const struct sc_stanza *sealed, const char *patch);
/* A message owed to the session: the hook is told once when it is safe there (with XEP-0198:
 * acknowledged; without: with the kernel) or the session ended first (false). For spool and
 * archive. */
void sc_push_owed(struct sc_session *, const struct sc_stanza *sealed, const char *patch,
	void (*done)(void *arg, bool safe), void *arg);
/*
 * Copies of a message for other sessions of the same account (carbons), with the session's full JID
 * as `to`: the sender's acknowledgement waits for each as for the message itself. The test picks
 * the sessions.
 *
 * In from_client, of what the session sends. KEPT: a copy that is not acknowledged in time gets a
 * row in the spool, for those sessions only; otherwise memory is all that it has.
 */
enum sc_copy_kept { SC_COPY_KEPT, SC_COPY_NOT_KEPT };
void sc_push_copies(struct sc_ctx *, const struct sc_stanza *sealed, enum sc_copy_kept,
	bool (*test)(void *arg, struct sc_session *), void *arg);
/* In message_given, of what the account receives: one message with what was delivered, in one
 * row. */
void sc_given_copies(const struct sc_ev_given *, const struct sc_stanza *sealed,
	bool (*test)(void *arg, struct sc_session *), void *arg);
/* In message_given: the session was given the message itself, or may be from the spool. */
bool sc_given_to(const struct sc_ev_given *, const struct sc_session *);

/*
 * For to_session hooks. The stanza is not urgent: it waits in the session's queue, in its place,
 * until something urgent is queued behind it or sc_session_flush() is called. One that waits under
 * the same key (0: none) is dropped, since the newer one says all. KEPT: must not be lost, so it
 * waits only where a row in the spool can keep it, and is written at once otherwise.
 */
void sc_later(struct sc_ctx *, uint64_t key, enum sc_copy_kept);
/* What waits under this key says nothing any more. */
void sc_session_drop_later(struct sc_session *, uint64_t key);
void sc_session_flush(struct sc_session *);
/* How many wait, and their bytes. */
size_t sc_session_waiting(const struct sc_session *, size_t *bytes);
/* For to_session hooks: asks for the event stanza_acked. Clients without XEP-0198 never cause
 * it. */
void sc_watch(struct sc_ctx *);

/* The same for a row of the spool, which sc_session_rows() then lists. */
void sc_push_row(struct sc_session *, const struct sc_stanza *sealed, const char *patch,
	int64_t sequence, void (*done)(void *arg, bool safe), void *arg);
/* Delivers by the core's table (RFC 6121 §8) to an account of this shard as if it had just passed
 * the to_user hooks. */
void sc_deliver(struct sc_entity *account, const struct sc_stanza *sealed);

#pragma GCC visibility pop

#endif
