/* SPDX-License-Identifier: MIT */
/* sasl_impl: what the files sasl*.c share; nobody else includes this, except their tests. */
#ifndef STREAM_SASL_IMPL_H
#define STREAM_SASL_IMPL_H

#include "base/arena.h"
#include "stream/sasl.h"

enum sasl_state { SASL_AT_MESSAGE, SASL_AT_ACCOUNT, SASL_AT_HASH, SASL_AT_END };

/* A mechanism. Each function returns a step made by sasl_challenge, sasl_ask_account,
 * sasl_finish or sasl_fail, or is SASL_NEED_HASH. */
struct sasl_ops {
	bool starts_empty;              /* no initial response means an empty one (XEP-0175 §4) */
	enum sasl_step (*message)(struct sasl *, struct sc_span);
	enum sasl_step (*account)(struct sasl *);       /* s->found and s->creds are there */
};
extern const struct sasl_ops sasl_scram_ops, sasl_plain_ops, sasl_external_ops, sasl_anonymous_ops,
	sasl_ht_ops;

struct sasl_info {
	const char *name;
	const struct sasl_ops *ops;
	bool plus;                      /* SCRAM with channel binding */
	enum verifier_hash hash;        /* of SCRAM */
	bool token;                     /* proves a token */
	enum sasl_binding bound_to;     /* of those; SASL_BINDINGS: nothing */
};

#define SASL_NONCE 24                   /* letters of our half: 144 bits */

struct scram {
	/* SASL_NONCE letters; the examples of the standards have more. */
	char nonce[40];
	bool sent_first;
	enum sasl_binding binding;
	bool bound;                     /* gs2-cbind-flag was "p=" */
	struct sc_span gs2_header;      /* these four in the arena */
	struct sc_span client_first_bare;
	struct sc_span server_first;
	struct sc_span full_nonce;
	struct verifier verifier;       /* the account's, or made up */
};

struct sasl {
	struct sasl_offer offer;        /* its pointers lead into the arena and to secret[] */
	const struct sasl_info *info;
	enum sasl_mech mech;
	enum sasl_state state;
	bool fed;
	struct sc_arena *arena;
	unsigned char secret[VERIFIER_SECRET];

	char *local;                    /* prepared, NULL until known */
	char *bare;                     /* local@host */
	char *authzid;                  /* as the client sent it; NULL: none */
	bool found;
	bool anonymous;
	struct sasl_creds creds;        /* all zero unless found; its tokens only in ops->account */
	int token_used;                 /* -1: none */
	struct sc_span proof;           /* of a token: what the client sent */

	struct scram scram;
	/* PLAIN's, prepared, password_len bytes, until the work takes it. */
	char password[VERIFIER_PASSWORD_MAX];
	size_t password_len;
	uint64_t ticket;                /* of the work taken and not given back; 0: none */
	struct sasl_work *proven;       /* kept for an upgrade */

	struct sc_span data;
	enum sasl_failure failure;
	const char *reason;
};

extern const struct sasl_info sasl_infos[SASL_MECHS];

enum sasl_step sasl_challenge(struct sasl *, struct sc_span data);
enum sasl_step sasl_fail(struct sasl *, enum sasl_failure, const char *reason);
/* Prepares the name and asks for its account. */
enum sasl_step sasl_ask_account(struct sasl *, const char *name, size_t n);
/* The client has proved to be s->local. The one place where an attempt succeeds: authzid, existence
 * and standing are checked here. */
enum sasl_step sasl_finish(struct sasl *, struct sc_span data);

bool sasl_plus_offered(const struct sasl_offer *);
unsigned sasl_iterations(const struct sasl *);
bool sasl_utf8(struct sc_span);                         /* valid UTF-8 without NUL */
struct sc_span sasl_keep(struct sasl *, struct sc_span);/* a copy in the arena */
bool sasl_external_possible(const struct sasl_offer *);
size_t sasl_binding_parse(struct sc_span name);         /* SASL_BINDINGS: unknown */
/* XEP-0474 §6.1: base64 of the hash over what was announced. */
const char *sasl_downgrade_hash(struct sasl *);

#endif
