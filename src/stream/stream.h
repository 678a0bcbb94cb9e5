/* SPDX-License-Identifier: MIT */
/*
 * stream: one XML stream of a client (RFC 6120 §4): its state, its connection, its reader. stream.c
 * has what every stream does (headers, errors, reading, closing, moving to another shard), c2s.c
 * what a client may say when, c2s_sasl.c the login, bind.c the binding. Logging in: login.c for
 * every profile, c2s_sasl.c for RFC 6120 §6, c2s_sasl2.c for XEP-0388 with fast.c, bind2.c and
 * sasl2_task.c.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <stonechat/stanza.h>
#include "base/buf.h"
#include "base/list.h"
#include "core/session.h"
#include "net/conn.h"
#include "net/mailbox.h"
#include "net/timer.h"
#include "plugin/host.h"
#include "stream/sasl.h"
#include "xml/xml.h"

/* Changed only by stream_move(), from the table there. */
enum stream_state {
	STREAM_NEW,             /* waits for the first header */
	STREAM_OPEN,            /* features sent, nobody has logged in */
	STREAM_TLS,             /* <proceed/> sent, handshake; then a new header */
	STREAM_AUTH,            /* a login attempt is going on */
	STREAM_MOVING,          /* logged in, on the way to the account's shard */
	STREAM_AUTHENTICATED,   /* <success/> sent: waits for a new header, then for a bind */
	STREAM_BINDING,         /* a bind waits for the account or for modules */
	STREAM_BOUND,
	STREAM_CLOSING,         /* our last words are said */
	STREAM_GONE,
};

struct c2s_conf {
	bool require_tls;
	bool allow_plain_without_tls;
	int64_t max_stanza, max_stanza_unauth, max_unauth_bytes;
	int64_t auth_timeout, tls_timeout;                      /* ms */
	int64_t max_unauth_per_address, max_sessions, max_attempts;
	int64_t iterations;
	int64_t outq_stanzas, outq_bytes;
	int64_t lane_stanzas, loading_stanzas, reading_iqs;
	bool downgrade_protection;
	bool fast;
	int64_t fast_lifetime, fast_rotate;                     /* ms */
	int64_t clients_max, clients_forget;
	bool clients_named;
	const char *const *mechanisms;
	const char *ca_file;
};

struct stream {
	struct conn *conn;
	struct xml_in *xml;
	struct sc_host *host;                   /* fixed by the first header of the TLS stream */
	struct sc_session *session;             /* counted once */
	struct sasl *sasl;
	/* by which the present attempt, or the last, was begun */
	const struct login_profile *login;
	/* what <authenticate/> asked for; until <success/> */
	struct sasl2 *sasl2;
	char *agent;                            /* the client's id by XEP-0388; NULL: not told */
	struct offer *offer;                    /* offer.c: until the login */
	int64_t account_id;                     /* users.id, from the login */
	/* who has logged in: prepared localpart; malloced */
	char *local;
	struct link in_shard;                   /* all of the shard */
	/* those with input left from this turn, or those about to leave */
	struct link ready;
	/* before bind: to log in in time; after: half an element keeps a parser */
	struct timeout timeout;
	struct letter letter;                   /* on the way to another shard */
	unsigned char address[16];              /* for limits */
	uint32_t refs;
	int16_t home;                           /* the account's shard, once known */
	uint8_t state;                          /* enum stream_state */
	/* failed logins on this stream, weighed by login.c */
	uint16_t attempts;
	bool looked_up;                         /* the present attempt got as far as the account */
	bool direct_tls;                        /* TLS from the first byte */
	bool header_sent;
	/* a header came inside TLS: the host cannot change any more */
	bool header_fixed;
	bool blocked;                           /* input waits: a lookup, a hold, the handshake */
	bool counted_unauth;
	bool anonymous;
	bool farewell;                          /* the session ends with it, and does not sleep */
	uint16_t took;                          /* stanzas of this turn */
	/* bytes that the stream itself wrote since the peer last had read all */
	uint32_t said;
	char id[23];
};

extern int c2s_section;
const struct c2s_conf *c2s_conf(void);
void c2s_conf_register(void);

/* --- stream.c --- */
struct stream *stream_new(int fd, const struct sockaddr *peer, socklen_t peer_len, bool direct_tls);
void stream_ref(struct stream *);
void stream_unref(struct stream *);
void stream_move(struct stream *, enum stream_state);
const struct xml_limits *stream_limits_auth(void);      /* those after login */
bool stream_is_open(const struct stream *);             /* neither closing nor gone */
void stream_write(struct stream *, const char *bytes, size_t n);
void stream_write_buf(struct stream *, struct buf *);   /* and frees it */
/* RFC 6120 §4.9: says it (after a header of our own when there was none), and closes. */
void stream_error(struct stream *, const char *condition, const char *text);
/* The same where the session itself is to end; after stream_error() it sleeps if it may. */
void stream_farewell(struct stream *, const char *condition, const char *text);
/* The same with an element of an application inside (§4.9.4). */
void stream_error_with(struct stream *, const char *condition, const char *text,
	const char *application);
/* The connection is dead, or not worth a word: a session that can sleep does. */
void stream_drop(struct stream *);
/* Answers </stream:stream> with ours. */
void stream_close(struct stream *);
void stream_send_header(struct stream *, const char *to);
/* Reads what can be read; stops when the stream blocks. */
void stream_read(struct stream *);
void stream_block(struct stream *);                     /* nothing more is read until … */
/* … now; reading goes on in the next turn */
void stream_unblock(struct stream *);
void stream_restart(struct stream *);                   /* the next thing is a header */
/* to shard s->home at the end of the turn; goes on in c2s_at_home() there */
void stream_go_home(struct stream *);
/* goes on with the streams that had more than a turn's share */
void stream_turn_start(void *);
void stream_turn_end(void *);
/* ends up to max streams of this shard by a stream error; max -1: all */
void streams_shut_down(const char *condition, int max);
int streams_here(void);
/* after host_sync(): ends the streams of hosts that are gone */
void streams_check_hosts(void);

/* --- c2s.c --- */
void c2s_header(struct stream *, const struct xml_header *);
/* takes the arena */
void c2s_element(struct stream *, struct sc_arena *, struct sc_elem *);
void c2s_secured(struct stream *);
void c2s_at_home(struct stream *);
void c2s_features(struct stream *);
/* a module's; false: nobody claims it */
bool c2s_run_nonza(struct stream *, unsigned at, const struct sc_elem *);
struct tls_ctx;
void c2s_set_tls(struct tls_ctx *);                     /* this shard's; takes a reference */
/* arg: NULL or non-NULL for direct TLS */
void c2s_accepted(void *arg, int fd, const struct sockaddr *, socklen_t);

/* --- c2s_sasl.c --- */
void c2s_sasl_features(struct stream *, struct buf *);
/* false: not one of its namespace */
bool c2s_sasl_element(struct stream *, const struct sc_elem *);

/* --- c2s_sm.c --- */
/* XEP-0198, on a stream that is logged in */
void c2s_sm_element(struct stream *, const struct sc_elem *);
/* adds <enabled/> or <failed/> */
void c2s_sm_enable(struct stream *, const struct sc_elem *enable, struct buf *);
void c2s_sm_failed(struct buf *, const char *condition);
/* <resume/> within a login. Ends in resumed(): the stream has the session, which is woken by
 * sm_wake() when the client knows; NULL: why not, as a stanza error's condition. Or in a stream
 * error. */
void c2s_sm_resume(struct stream *, const struct sc_elem *resume,
	void (*resumed)(struct stream *, struct sc_session *, const char *why_not));
void c2s_sm_resumed(struct buf *, const struct sc_session *);   /* adds <resumed/> */

/* --- bind.c --- */
struct bind_wish {
	char *resource;                 /* prepared, malloced, taken; NULL: one of ours */
	/* what the hooks look at; taken; NULL: the bind is part of a login */
	struct sc_stanza *iq;
	/* s->session is there, and nothing is written to it before this returns: tell the
	 * client. */
	void (*bound)(struct stream *, const struct sc_stanza *iq);
	void (*refused)(struct stream *, const struct sc_stanza *iq, enum sc_cond,
		const char *text);
};
void bind_session(struct stream *, const struct bind_wish *);
void bind_start(struct stream *, struct sc_stanza *taken);      /* an IQ set with <bind/> */
extern const struct session_ops stream_session_ops;

#endif
