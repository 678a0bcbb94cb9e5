/* SPDX-License-Identifier: MIT */
/*
 * sasl: one login attempt as a state machine (RFC 4422, RFC 6120 §6). It does no I/O and knows no
 * stream, so that the SASL of RFC 6120 and SASL2 (XEP-0388) share it. Mechanisms: sasl_scram.c,
 * sasl_plain.c, sasl_external.c, sasl_anonymous.c, sasl_ht.c.
 *
 * The caller fills a struct sasl_offer for the stream, announces exactly sasl_list() and
 * sasl_list_bindings() of it, and for each attempt
 *
 *	s = sasl_start(&offer, mechanism, &why);                NULL: answer <failure/> with why
 *	step = sasl_feed_text(s, initial response)
 *	loop:
 *	  SASL_CHALLENGE     send sasl_data(); when the client answers: step = sasl_feed_text(s, …)
 *	  SASL_NEED_ACCOUNT  look up sasl_local() at the host;  step = sasl_account(s, found, creds)
 *	  SASL_NEED_HASH     w = sasl_take_work(s); on an offload thread: sasl_work_run(w);
 *	                     back here: step = sasl_give_work(s, &w)
 *	  SASL_SUCCESS       send sasl_data() with <success/>, when there is some;
 *	                     the account is sasl_local(); ask sasl_take_upgrade()
 *	  SASL_FAILURE       send <failure/> with sasl_failure_name(sasl_failure(s))
 *	sasl_free(&s);
 *
 * Every call returns a step and every step has an answer: no message of a client goes unanswered.
 * While a step waits (NEED_ACCOUNT, NEED_HASH) the caller keeps back what the client sends; what is
 * fed nevertheless, or after the end, gets SASL_FAILURE. A second <auth/> or an <abort/> in
 * mid-attempt: sasl_free (at any step; work on its way stays the caller's), then start anew or
 * answer SASL_ABORTED. Counting attempts, rate limits, and the time limit are the caller's.
 *
 * Mechanisms that prove a token instead of a password (FAST, XEP-0484) are a list of their own:
 * sasl_list_tokens(), sasl_start_token(); sasl_list() and sasl_start() do not know them.
 * One thread at a time; the object is tied to no thread, so it may move with its connection.
 */
#ifndef STREAM_SASL_H
#define STREAM_SASL_H

#include "core/verifier.h"

/* In order of preference: what the server announces first. */
enum sasl_mech {
	SASL_EXTERNAL,
	SASL_SCRAM_SHA_512_PLUS, SASL_SCRAM_SHA_256_PLUS, SASL_SCRAM_SHA_1_PLUS,
	SASL_SCRAM_SHA_512, SASL_SCRAM_SHA_256, SASL_SCRAM_SHA_1,
	SASL_PLAIN,
	SASL_ANONYMOUS,
	SASL_HT_SHA_256_EXPR, SASL_HT_SHA_256_UNIQ, SASL_HT_SHA_256_ENDP, SASL_HT_SHA_256_NONE,
	SASL_MECHS
};
#define SASL_BIT(mech) (1u << (mech))
/* What is on unless configured otherwise. EXTERNAL asks for client certificates and ANONYMOUS lets
 * anybody in: options. */
#define SASL_DEFAULT (SASL_BIT(SASL_MECHS) - 1 - SASL_BIT(SASL_EXTERNAL) - SASL_BIT(SASL_ANONYMOUS))

enum sasl_binding { SASL_TLS_EXPORTER, SASL_TLS_SERVER_END_POINT, SASL_TLS_UNIQUE, SASL_BINDINGS };
#define SASL_BINDING_MAX 64

/* RFC 6120 §6.5. SASL_ABORTED, _INCORRECT_ENCODING … are the caller's to use as well. */
enum sasl_failure {
	SASL_NO_FAILURE,
	SASL_ABORTED, SASL_ACCOUNT_DISABLED, SASL_CREDENTIALS_EXPIRED, SASL_ENCRYPTION_REQUIRED,
	SASL_INCORRECT_ENCODING, SASL_INVALID_AUTHZID, SASL_INVALID_MECHANISM,
	SASL_MALFORMED_REQUEST, SASL_MECHANISM_TOO_WEAK, SASL_NOT_AUTHORIZED,
	SASL_TEMPORARY_AUTH_FAILURE,
	SASL_FAILURES
};
const char *sasl_failure_name(enum sasl_failure);       /* "not-authorized"; the element's name */

/* What this stream may use now. All pointers are lent; sasl_start copies what it keeps. */
struct sasl_offer {
	const char *host;               /* prepared; fixed by the first header of the stream */
	/* The bare JID in `from` of the header (RFC 6120 §4.7.1); NULL: none. Who it names has
	 * proved nothing, but an authzid must not be somebody else. */
	const char *from;
	bool tokens;                    /* the configuration lets this host give out tokens */
	unsigned allowed;               /* SASL_BIT()s: what the configuration lets this host use */
	bool tls;                       /* the stream is encrypted */
	bool plain_without_tls;         /* c2s.allow_plain_without_tls */
	/* XEP-0474: SCRAM's first message tells a hash of what was announced. */
	bool downgrade_hash;
	/* For made-up and new verifiers: the setting; 0: VERIFIER_ITERATIONS. */
	unsigned iterations;
	/* VERIFIER_SECRET bytes, for made-up verifiers; the same over restarts, on all shards. */
	const unsigned char *secret;
	/* Channel-binding data of this connection, n = 0: not available. The caller leaves out
	 * tls-unique on TLS 1.3, and (RFC 7677 §4) tls-unique and tls-exporter on TLS 1.2 without
	 * extended master secret. -PLUS is offered when at least one is there. */
	struct {
		size_t n;
		unsigned char bytes[SASL_BINDING_MAX];
	} binding[SASL_BINDINGS];
	/* The xmppAddr names of the client's certificate, if that was verified to a trusted root;
	 * as they stand in it. */
	const char *const *cert_jids;
	size_t n_cert_jids;
};

/* The names to announce in <mechanisms/>, best first. Returns how many. */
size_t sasl_list(const struct sasl_offer *, const char *names[SASL_MECHS]);
/* The types to announce by XEP-0440 beside them; none when no -PLUS is offered. */
size_t sasl_list_bindings(const struct sasl_offer *, const char *types[SASL_BINDINGS]);
/* The names to announce in <fast/>, best first. Returns how many. */
size_t sasl_list_tokens(const struct sasl_offer *, const char *names[SASL_MECHS]);
/* For the configuration: "SCRAM-SHA-1" to SASL_SCRAM_SHA_1. False: no such mechanism here. */
bool sasl_mech_parse(const char *name, enum sasl_mech *) SC_MUST_CHECK;
const char *sasl_mech_name(enum sasl_mech);

enum sasl_step { SASL_CHALLENGE, SASL_NEED_ACCOUNT, SASL_NEED_HASH, SASL_SUCCESS, SASL_FAILURE };

struct sasl;

/* NULL and *why when this stream was not offered the mechanism (RFC 6120 §6.5.7, or .4 for PLAIN
 * without TLS). */
struct sasl *sasl_start(const struct sasl_offer *, const char *mechanism, enum sasl_failure *why);
/* The same for one of sasl_list_tokens(). */
struct sasl *sasl_start_token(const struct sasl_offer *, const char *mechanism,
	enum sasl_failure *why);
bool sasl_wants_token(const struct sasl *);             /* it was begun so */
bool sasl_mech_is_token(enum sasl_mech);
void sasl_free(struct sasl **taken);                    /* wipes and frees; NULL is fine */

#define SASL_MESSAGE_MAX 8192           /* bytes, decoded; longer ones are malformed */

/* One message of the client, as the character data of <auth/>, <response/>, <initial-response/>:
 * base64, exactly, no white space. "=" is the message of no bytes. "" in the first call is "no
 * initial response", later a message of no bytes. In SASL2, where the first message may be there
 * and empty, feed "=" for it. What is not base64 gets SASL_FAILURE with incorrect-encoding. The
 * decoded bytes are wiped here; the text (PLAIN's holds the password) is the caller's to wipe. */
enum sasl_step sasl_feed_text(struct sasl *, const char *text, size_t n);
/* The same for decoded bytes. NULL: no initial response. */
enum sasl_step sasl_feed(struct sasl *, const void *bytes, size_t n);

/* --- SASL_NEED_ACCOUNT --- */
/* The last: the database is away, or too busy. */
enum sasl_lookup { SASL_FOUND, SASL_NO_ACCOUNT, SASL_LOOKUP_FAILED };
#define SASL_TOKENS 2                   /* of one client: the present one, and a newer one */
struct sasl_token {
	const char *text;               /* NULL: none */
	enum sasl_mech mech;            /* what it was given out for */
	bool expired;
};
struct sasl_creds {
	bool disabled;                  /* told only to who proved the password */
	struct verifiers verifiers;
	struct sasl_token tokens[SASL_TOKENS];  /* lent; for sasl_wants_token() */
};
/* creds is lent, and read only when found. */
enum sasl_step sasl_account(struct sasl *, enum sasl_lookup, const struct sasl_creds *);

/* --- SASL_NEED_HASH: PBKDF2 for PLAIN, away from the loop --- */
/* Holds the password; complete in itself, so the attempt may be freed meanwhile. */
struct sasl_work;
/* Once for each SASL_NEED_HASH. NULL: no memory; give that back, it is a temporary failure. */
struct sasl_work *sasl_take_work(struct sasl *);
void sasl_work_run(struct sasl_work *);                 /* slow; any thread; NULL is fine */
void sasl_work_free(struct sasl_work **taken);          /* wipes; NULL is fine */
/* Takes the work back. Work that never ran (the pool was full) gives temporary-auth-failure. */
enum sasl_step sasl_give_work(struct sasl *, struct sasl_work **taken);

/* --- what came of it --- */
/* Raw bytes for <challenge/> or <success/>, valid until the next call; the caller encodes. NULL and
 * n = 0: no data (which in <challenge/> is an empty element, in <success/> one without data). */
const unsigned char *sasl_data(const struct sasl *, size_t *n);
const char *sasl_data_text(const struct sasl *);        /* the same in base64; "" for none */
enum sasl_failure sasl_failure(const struct sasl *);
/* A sentence for the log, never for the client: it may say "no such account". */
const char *sasl_reason(const struct sasl *);
/* Prepared localpart; from SASL_NEED_ACCOUNT on, not yet authenticated then! */
const char *sasl_local(const struct sasl *);
enum sasl_mech sasl_mech(const struct sasl *);
/* sasl_local() is a fresh random name, without an account. */
bool sasl_is_anonymous(const struct sasl *);
/* After SASL_SUCCESS: which of the creds' tokens was proved; -1: none. */
int sasl_token_used(const struct sasl *);
/* After SASL_SUCCESS: the StoredKey that the client's password was checked against. NULL: it was no
 * password. */
const struct verifier *sasl_checked(const struct sasl *, enum verifier_hash *);
/* After SASL_SUCCESS: the account lacks a verifier of this hash, and only the client can make it,
 * who knows the password (XEP-0480). */
bool sasl_lacks(const struct sasl *, enum verifier_hash);
/* False: no channel binding. */
bool sasl_binding_used(const struct sasl *, enum sasl_binding *);

/* --- upgrades, after SASL_SUCCESS ---
 * A login by PLAIN lets the server make what the account lacks (or has with fewer iterations than
 * the setting). NULL: nothing to do. (SCRAM gives the server nothing from which another hash could
 * be derived.) Run the work on an offload thread after <success/>, then store what sasl_work_made()
 * gives *only if* the account still has the verifier sasl_work_checked() (compare its stored_key in
 * the UPDATE): else a password changed meanwhile would come back. */
struct sasl_work *sasl_take_upgrade(struct sasl *);
/* Iterations 0: nothing was made for that hash. */
const struct verifiers *sasl_work_made(const struct sasl_work *);
const struct verifier *sasl_work_checked(const struct sasl_work *, enum verifier_hash *);

#endif
