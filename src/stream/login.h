/* SPDX-License-Identifier: MIT */
/*
 * login: one attempt to log in, in whatever words. It looks accounts up, sends work to the pool,
 * slows who fails too often, and counts mistakes; what it has to say is written by a profile:
 * c2s_sasl.c (RFC 6120 §6) or c2s_sasl2.c (XEP-0388). The mechanisms are sasl.c's.
 */
#ifndef STREAM_LOGIN_H
#define STREAM_LOGIN_H

#include <stonechat/store.h>
#include "stream/stream.h"

struct login_profile {
	void (*challenge)(struct stream *);     /* with sasl_data_text() */
	/* application: XML, "" for none */
	void (*failure)(struct stream *, enum sasl_failure, const char *application);
	/* The client has proved who it is. Ends, perhaps later, in login_done() or login_fail(). */
	void (*proved)(struct stream *);
	/* At home: everything that could refuse is behind us. Begins with what the reader expects
	 * next. */
	void (*success)(struct stream *);
};

/* Ends the attempt before, if there was one. False: answered with a failure already. token: a
 * mechanism of sasl_list_tokens(). */
bool login_begin(struct stream *, const struct login_profile *, const char *mechanism,
	bool token) SC_MUST_CHECK;
/* The character data of an element; wiped. NULL: there is no initial response. */
void login_feed(struct stream *, const struct sc_elem *);
void login_feed_text(struct stream *, const char *text);
void login_fail(struct stream *, enum sasl_failure);
/* With an element of an application in the failure. Not counted: nobody has guessed. */
void login_fail_uncounted(struct stream *, enum sasl_failure, const char *application);
void login_done(struct stream *);               /* moves it home */
void login_forget(struct stream *);             /* the attempt is over, or the stream is */
/* After <success/>: makes the verifiers that the account lacks, and forgets. */
void login_over(struct stream *);

/* Waits for the database on behalf of an attempt: nothing is read meanwhile. answered() is not
 * called for a stream that has ended. */
void login_ask(struct stream *, const struct sc_stmt *, struct sc_args,
	void (*answered)(struct stream *, const struct sc_rows *));

#endif
