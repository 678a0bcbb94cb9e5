/* SPDX-License-Identifier: MIT */
/*
 * session: one bound stream of an account. Everything here is for the account's home shard; a
 * session is never touched from another thread. Pointers are good until the function returns: to
 * find a session again after a wait, keep its full JID or number.
 */
#ifndef STONECHAT_SESSION_H
#define STONECHAT_SESSION_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

const struct sc_jid *sc_session_jid(const struct sc_session *);         /* full; lent */
struct sc_entity *sc_session_account(const struct sc_session *);
uint64_t sc_session_number(const struct sc_session *);                  /* unique in this process */
struct sc_session *sc_session_by_number(struct sc_entity *account, uint64_t number);
struct sc_session *sc_session_by_resource(struct sc_entity *account, struct sc_span resource);
/* address as text, for logs and admins */
const char *sc_session_peer(const struct sc_session *);
bool sc_session_asleep(const struct sc_session *);
/* The id of the client's installation, which only its owner may know (XEP-0388 §2.3); NULL: it has
 * told none. */
const char *sc_session_agent(const struct sc_session *);
int64_t sc_session_since(const struct sc_session *);                    /* wall µs of the bind */
/* wall µs of the last stanza from it */
int64_t sc_session_active(const struct sc_session *);

/* Iterates an account's sessions in order of their binding; start with NULL. The current one may
 * end meanwhile, others not. */
struct sc_session *sc_session_next(struct sc_entity *account, struct sc_session *after);

/* --- presence, which the core needs for delivery (RFC 6121 §8) and a module decides --- */
bool sc_session_available(const struct sc_session *);
int sc_session_priority(const struct sc_session *);
/* Records what the session now shows the world: copies the presence; unavailable (or NULL) forgets
 * it. Fires session_presence. */
void sc_session_presence(struct sc_ctx *, struct sc_session *, const struct sc_stanza *);
/* The last presence as a fresh changeable stanza (yours), from = full JID, no `to`. NULL: not
 * available. */
struct sc_stanza *sc_session_last_presence(struct sc_session *);

/* --- queue of what goes out --- */
/* stanzas not yet with the kernel */
size_t sc_session_queued(const struct sc_session *);
/* Room for feeding in windows: how many more stanzas before session_drained will tell. */
int sc_session_window(const struct sc_session *);

/* A session that drains its spool gets nothing newer: to_user messages for the account that would
 * go to it join the spool's lane (design §5 Order). Nested calls count. */
void sc_session_draining(struct sc_session *, bool on);

/* Whether the client can be told to come back while its link is gone (XEP-0357): then its session
 * sleeps for sm.sleep_push instead of sm.sleep (XEP-0198 §5), unless the client itself wished for
 * less. From the next time that it falls asleep; without XEP-0198: nothing. Whoever says so says it
 * again in session_restored. */
void sc_session_may_be_woken(struct sc_session *, bool on);

/* While corked nothing that is queued leaves for the client, so that its numbers (XEP-0198) can be
 * written down first. For a moment only: whoever corks sees to an end, also when the session has
 * ended meanwhile. Nested calls count. */
void sc_session_cork(struct sc_session *, bool on);
/* The id by which the client may resume it (XEP-0198); lent. NULL: it cannot. */
const char *sc_session_resumable(const struct sc_session *);
/* What is queued for it or not acknowledged yet and has a row in the spool, in order: the number of
 * the stanza in its stream, which stays right from now on, and the sequence of the row. Fills in up
 * to max and returns how many there are. */
int sc_session_rows(struct sc_session *, int64_t *numbers, int64_t *sequences, int max);

/* Ends the session's stream with a stream error (RFC 6120 §4.9.3 condition without text), e.g.
 * "conflict". */
void sc_session_close(struct sc_session *, const char *condition, const char *text);

#pragma GCC visibility pop

#endif
