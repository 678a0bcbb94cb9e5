/* SPDX-License-Identifier: MIT */
/*
 * sasl2: a login by XEP-0388 and what a client may ask for in the same breath. c2s_sasl2.c has its
 * words, fast.c the client's record and its tokens (XEP-0484), bind2.c the binding (XEP-0386),
 * sasl2_task.c new verifiers for old accounts (XEP-0480).
 */
#ifndef STREAM_SASL2_H
#define STREAM_SASL2_H

#include "stream/stream.h"

#define FAST_TOKEN 44                   /* letters: 256 bits */

enum task_state { TASK_NONE, TASK_OFFERED, TASK_STARTED };

struct sasl2 {
	/* of <authenticate/>; what is lent here lives in it */
	struct sc_arena *arena;
	const char *software, *device;          /* NULL: not told */
	const struct sc_elem *bind, *resume;    /* NULL: not asked for */
	/* why not, as a stanza error's condition; NULL: not tried */
	const char *not_resumed;
	/* the mechanism's last words went out with <continue/> */
	bool said_data;

	/* fast.c */
	bool wants_token, invalidates, counts;
	enum sasl_mech token_mech;
	int64_t count;
	/* the client's, when one of them logs it in */
	struct { const char *text; int64_t issued; } tokens[SASL_TOKENS];
	char token[FAST_TOKEN + 1];             /* a new one for it; "": none */
	int64_t token_expires;

	/* sasl2_task.c */
	/* 1u << enum verifier_hash: asked for, and not looked at yet */
	unsigned upgrades;
	enum task_state task;
	enum verifier_hash hash;
	unsigned iterations;
	unsigned char salt[VERIFIER_SALT];
};

/* --- c2s_sasl2.c --- */
void c2s_sasl2_features(struct stream *, struct buf *);
/* False: not one of its namespace, and no attempt of its own is going on (then nothing else may
 * come). */
bool c2s_sasl2_element(struct stream *, struct sc_arena **taken, const struct sc_elem *);
void sasl2_free(struct sasl2 **taken);          /* NULL inside is fine */
void sasl2_see_tokens(struct sasl2 *, const struct sc_rows *, int column);
void sasl2_add_data(struct stream *, struct buf *);     /* <additional-data/>, once */

/* --- fast.c --- */
void fast_features(struct stream *, struct buf *);
void fast_read(struct stream *, const struct sc_elem *authenticate);    /* what it asks for */
/* The client has proved who it is: its record is written, and a token made if it is to have one.
 * Ends in login_done() or login_fail(). */
void fast_login(struct stream *);
void fast_success(const struct stream *, struct buf *); /* adds <token/> */

/* --- bind2.c --- */
void bind2_features(struct stream *, struct buf *);
char *bind2_resource(struct stream *, const struct sc_elem *bind);      /* malloced */
/* does what is asked for; adds <bound/> */
void bind2_bound(struct stream *, const struct sc_elem *bind, struct buf *);

/* --- sasl2_task.c --- */
void task_features(struct stream *, struct buf *);
void task_read(struct sasl2 *, const struct sc_elem *authenticate);
bool task_next(struct stream *);                /* false: there is none (left) */
/* <next/>, <task-data/>; false: it is neither, or not its turn */
bool task_element(struct stream *, const struct sc_elem *);

#endif
