/* SPDX-License-Identifier: MIT */
/*
 * send: what a module sends by itself.
 */
#ifndef STONECHAT_SEND_H
#define STONECHAT_SEND_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

/* Starts a stanza at *route*, as if the entity (its bare or full JID is `from`) had sent it, without from_client hooks. From the
 * home shard of `from`, or any shard when `from` is a host. Order is kept per (from, to). */
void sc_send(struct sc_stanza **taken);
/* The same with custody of the module's own: done runs once on this shard when the message is safe (true)
 * or was answered with an error (false). */
void sc_send_with(struct sc_stanza **taken, void (*done)(void *arg, bool safe), void *arg);
/* One of many copies of a sealed stanza of this shard's entity `from`, with this `to`. For presence: nothing is loaded for it, so an
 * account of ours that is not in memory, and has nobody to show it to, does not get it. Order is that of sc_send. */
void sc_broadcast(const struct sc_stanza *sealed, const struct sc_jid *to);
/* Puts a stanza into one session's queue, past routing and delivery rules (pushes). `to` is set to its full JID unless set.
 * Only to_session hooks see it. */
void sc_push(struct sc_session *, struct sc_stanza **taken);
/* The same for a sealed one, shared with others: to is spliced in. patch (may be NULL): XML added before the end tag. */
void sc_push_shared(struct sc_session *, const struct sc_stanza *sealed, const char *patch);
/* A message owed to the session: the hook is told once when it is safe there (with XEP-0198: acknowledged; without: with the kernel)
 * or the session ended first (false). For spool and archive. */
void sc_push_owed(struct sc_session *, const struct sc_stanza *sealed, const char *patch,
	void (*done)(void *arg, bool safe), void *arg);
/* Delivers by the core's table (RFC 6121 §8) to an account of this shard as if it had just passed the to_user hooks. */
void sc_deliver(struct sc_entity *account, const struct sc_stanza *sealed);

#pragma GCC visibility pop

#endif
