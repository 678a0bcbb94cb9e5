/* SPDX-License-Identifier: MIT */
/*
 * s2s: one XML stream with another server (RFC 6120 §4, jabber:server). s2s_stream.c has what every
 * such stream does, s2s_in.c what a server that called us may say when, s2s_out.c our own calls,
 * s2s_dialback.c XEP-0220, s2s_sm.c XEP-0198, s2s_conf.c settings and policy. Whom the other side
 * may speak for is a list of proven pairs; nothing is taken from it for any other.
 */
#ifndef STREAM_S2S_H
#define STREAM_S2S_H

#include <stonechat/stanza.h>
#include "base/buf.h"
#include "base/list.h"
#include "core/remote.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/mailbox.h"
#include "net/timer.h"
#include "xml/xml.h"

/* Changed only by s2s_move(), from the table there. */
enum s2s_state {
	S2S_NEW,                /* waits for a header */
	S2S_OPEN,               /* headers are exchanged; out: features come next */
	S2S_TLS,                /* starting TLS; then a new header */
	S2S_AUTH,               /* out: waits for the answer to <auth/> or to a dialback key */
	S2S_ENABLING,           /* out: waits for the answer to <enable/> or <resume/> */
	S2S_UP,                 /* in: the other side has proved a domain. out: carries stanzas */
	S2S_MOVING,             /* in: on the way to the pair's shard */
	/* our end tag is written; what still comes is taken (RFC 6120 §4.4) */
	S2S_ENDING,
	S2S_GONE,
};

enum s2s_kind {
	S2S_IN,                 /* another server called us */
	S2S_OUT,                /* we call, to send the stanzas of a pair */
	S2S_VERIFY,             /* we call, to ask about a dialback key */
};

/* How a domain was proved. */
enum s2s_proof { S2S_UNPROVEN, S2S_BY_CERTIFICATE, S2S_BY_DANE, S2S_BY_DIALBACK };

/* The other side may send stanzas from `domain` to `local`. */
struct s2s_pair {
	struct link link;
	enum s2s_proof how;
	const char *local, *domain;     /* both in text[] */
	char text[];
};

struct s2s_sm;
struct s2s_call;

struct s2s {
	struct conn *conn;
	struct xml_in *xml;
	struct link in_shard;           /* all of the shard */
	struct link ready;              /* input left from this turn */
	/* to do at the end of the turn: moving, an acknowledgement */
	struct link late;
	struct link pairs;              /* struct s2s_pair */
	/* struct verify: keys of this stream that somebody is asked about */
	struct link verifies;
	struct timeout timeout;         /* to get up in time; then: to look after */
	struct letter letter;
	struct s2s_call *call;          /* out: whose attempt this stream is, until it is up */
	struct remote *remote;          /* whose stanzas it carries; NULL: none */
	struct remote_in *in;           /* NULL: nothing came yet */
	struct s2s_sm *sm;              /* counts what comes in; NULL: XEP-0198 is off */
	/* of the header; out: of the pair. Prepared; NULL: not known yet */
	char *local, *domain;
	char *peer_id;                  /* out: the stream id that the other side chose */
	char *why;                      /* why it ended, for people; NULL: not known */
	uint64_t number;
	int64_t since, active;          /* wall µs of its start, clock_mono() of the last stanza */
	int64_t received;
	/* clock_mono() when the server's end asked for acknowledgements; 0: it did not */
	int64_t last_call;
	int64_t debt;                   /* clock_mono() until which its rate is used up */
	unsigned char address[16];
	uint32_t refs;
	uint32_t said;
	uint16_t took, n_pairs, n_verifies;
	uint8_t kind, state;            /* enums s2s_kind, s2s_state */
	/* enum s2s_proof: what the certificate says about `domain` */
	uint8_t certificate;
	/* how the first pair was proved, or by which we were: for people */
	uint8_t proof;
	bool direct_tls, header_sent, header_fixed;
	bool blocked;                   /* input waits */
	bool counted_unauth, counted_domain;
	/* by SASL; in: the next header is the last. out: the other side took us */
	bool authenticated;
	bool bidi;                      /* XEP-0288 was agreed */
	bool external_failed;
	bool peer_dialback, peer_sm;    /* out: offered */
	bool moves;                     /* in: at the end of the turn it goes to its pair's shard */
	/* it sends more than it may: not read until the debt is paid */
	bool slow;
	bool asked;                     /* XEP-0198: <r/> is out */
	void (*moved)(struct s2s *);    /* what to do there */
	char id[23];                    /* in: ours */
};

enum s2s_policy {
	S2S_SECURE,             /* a certificate must prove the domain */
	S2S_DIALBACK,           /* a certificate, or else dialback inside TLS */
	S2S_OFF,                /* nobody */
};

struct s2s_conf {
	int policy;
	const char *const *secure_domains, *const *dialback_domains, *const *block, *const *allow;
	const char *const *connect;
	const char *ca_file;
	int bidi;                               /* enum s2s_bidi */
	bool sm, direct_tls;
	int64_t max_stanza, max_stanza_unauth, max_unauth_bytes;
	int64_t auth_timeout, connect_timeout, idle, dead, resume;      /* ms */
	int64_t max_unauth_per_address, max_streams_per_domain, max_pairs, max_verifies;
	int64_t stanzas_per_second;
	int64_t max_remotes, queue_stanzas, queue_bytes, queue_age, answer_age, spill;
	int64_t backoff, backoff_max;
};
enum s2s_bidi { S2S_BIDI_OFF, S2S_BIDI_ACCEPT, S2S_BIDI_ASK };

/* --- s2s_conf.c --- */
void s2s_conf_register(void);
extern int s2s_section;
const struct s2s_conf *s2s_conf(void);
/* a new snapshot is in force on this shard */
void s2s_conf_taken_up(void);
/* S2S_OFF: also when it is blocked */
enum s2s_policy s2s_policy_for(const char *domain);
bool s2s_is_ours(const char *domain);
/* What the settings say about finding servers; what it points to is in the arena. */
void s2s_dial_conf(struct sc_arena *, const char *domain, struct dial_conf *);

/* --- s2s_stream.c --- */
struct s2s *s2s_new(enum s2s_kind, int fd, const struct sockaddr *peer, socklen_t peer_len);
void s2s_ref(struct s2s *);
void s2s_unref(struct s2s *);
void s2s_move(struct s2s *, enum s2s_state);
bool s2s_is_open(const struct s2s *);                           /* something may be written */
void s2s_write(struct s2s *, const char *bytes, size_t n);
void s2s_write_buf(struct s2s *, struct buf *);                 /* and frees it */
void s2s_send_header(struct s2s *);
void s2s_error(struct s2s *, const char *condition, const char *text);
void s2s_error_with(struct s2s *, const char *condition, const char *text, const char *application);
void s2s_drop(struct s2s *, const char *why);                   /* without a word */
/* our end tag; then what still comes is taken */
void s2s_close(struct s2s *);
void s2s_why(struct s2s *, const char *fmt, ...) SC_PRINTF(2, 3);       /* keeps the first reason */
void s2s_block(struct s2s *);
void s2s_unblock(struct s2s *);
void s2s_restart(struct s2s *);                                 /* the next thing is a header */
/* see to it at the end of the turn */
void s2s_late(struct s2s *);
const char *s2s_proof_name(enum s2s_proof);
/* it has proved something: the limits are wider now */
void s2s_set_proven(struct s2s *);
struct s2s_pair *s2s_pair_find(const struct s2s *, struct sc_span local, struct sc_span domain);
/* False: there are too many. */
bool s2s_pair_add(struct s2s *, const char *local, const char *domain,
	enum s2s_proof) SC_MUST_CHECK;
void s2s_turn_start(void *);
void s2s_turn_end(void *);
/* ends up to so many streams of this shard; -1: all */
void s2s_shut_down(int max);
int s2s_here(void);
/* ends the streams of domains that are no longer ours, or are blocked now */
void s2s_check_hosts(void);
struct tls_ctx;
void s2s_set_tls(struct tls_ctx *in, struct tls_ctx *out);      /* this shard's; takes references */
struct tls_ctx *s2s_tls_in(void);
struct tls_ctx *s2s_tls_out(void);
void s2s_stop(void);                                            /* the shard ends */
void s2s_setup(void);                                           /* before the shards start */

/* For `stonechatctl s2s`. */
struct s2s_facts {
	const char *local, *domain, *state, *direction;         /* "out", "in", "both", "verify";
		"": only a queue */
	const char *peer, *tls, *auth, *last_error;             /* "": nothing to tell */
	uint64_t number;
	bool sm;
	uint32_t queued, unacked;
	size_t bytes;
	int64_t since, active, next_try;                        /* wall µs; 0: none */
	int64_t sent, received;
};
void s2s_each(void (*see)(void *arg, const struct s2s_facts *), void *arg);     /* of this shard */
/* closes this shard's streams with it, and tries at once what waits; how many */
int s2s_reset(const char *domain);

/* --- s2s_in.c --- */
/* arg non-NULL: TLS from the first byte */
void s2s_accepted(void *arg, int fd, const struct sockaddr *, socklen_t);
void s2s_in_secured(struct s2s *);
void s2s_in_header(struct s2s *, const struct xml_header *);
void s2s_in_element(struct s2s *, const struct sc_elem *);      /* no stanza */
void s2s_stanza(struct s2s *, struct sc_arena *taken, struct sc_elem *root);    /* on any stream */
/* A pair was proved. The stream's first takes it to the pair's shard, where <success/> or the
 * answer to the dialback key is said; a later one is answered by the caller. False: there are
 * too many streams of the domain, or pairs. */
bool s2s_in_proved(struct s2s *, const char *local, const char *domain,
	enum s2s_proof) SC_MUST_CHECK;

/* --- s2s_out.c --- */
void s2s_out_connect(struct remote *);
/* Calls `domain` for `local` and does nothing but secure() (TLS stands, features have come);
 * ended(why) when it cannot, or has ended. */
struct s2s_call;
void s2s_out_header(struct s2s *, const struct xml_header *);
void s2s_out_secured(struct s2s *);
void s2s_out_element(struct s2s *, const struct sc_elem *);
/* the stream ended before it was up */
void s2s_out_gone(struct s2s *);
/* XEP-0198 is settled: stanzas may go */
void s2s_out_enabled(struct s2s *, bool counts, bool resumed);
void s2s_out_dialback(struct s2s *, const struct sc_elem *result);      /* the answer to our key */
struct verify;
struct s2s_call *s2s_call_to_verify(struct verify *, const char *local, const char *domain);
void s2s_call_end(struct s2s_call **taken);

/* --- s2s_dialback.c --- */
struct verify {
	struct link link;               /* stream->verifies */
	struct s2s *stream;             /* that brought the key */
	struct s2s_call *call;
	const char *local, *domain, *key, *id;  /* all in text[] */
	char text[];
};
void s2s_dialback_setup(void);
void s2s_dialback_key(const char *receiving, const char *originating, const char *id, char out[65]);
/* an element of its namespace, on a stream that called us */
void s2s_dialback_in(struct s2s *, const struct sc_elem *);
void s2s_dialback_ask(struct s2s *, const struct verify *);     /* S2S_VERIFY: TLS stands */
void s2s_dialback_asked(struct s2s *, struct verify *, const struct sc_elem *); /* the answer */
/* nobody could be asked */
void s2s_dialback_failed(struct verify *taken, const char *condition, const char *why);
/* says so for the stream's first pair */
void s2s_dialback_valid(struct s2s *);
/* the stream ended: nobody waits for answers */
void s2s_dialback_gone(struct s2s *);

/* --- s2s_sm.c --- */
struct custody;
/* a stanza was read; NULL: nobody counts */
struct custody *s2s_sm_count(struct s2s *);
void s2s_sm_element(struct s2s *, const struct sc_elem *);
void s2s_sm_begin(struct s2s *);                                /* out: <resume/> or <enable/> */
void s2s_sm_wrote(struct s2s *);
/* now and then: is the other side still there? */
void s2s_sm_look(struct s2s *);
/* end of a turn: <a/> when it is due */
void s2s_sm_answer(struct s2s *);
void s2s_sm_gone(struct s2s *, bool may_resume);                /* the stream ended */
void s2s_sm_stop(void);                                         /* the shard ends */

#endif
