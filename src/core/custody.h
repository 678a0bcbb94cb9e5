/* SPDX-License-Identifier: MIT */
/*
 * custody: the duty for one message, from the moment it is read until it is safe (design §5). It is
 * discharged when its last hold ends. Holds may be taken and ended on any shard; the discharge
 * happens on the shard where it began.
 *
 * Two kinds: of a stream that counts (XEP-0198: its `h` is the length of the discharged prefix),
 * and a module's own (sc_send_with).
 */
#ifndef CORE_CUSTODY_H
#define CORE_CUSTODY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"
#include "net/mailbox.h"

struct sc_session;

struct custody {
	struct letter letter;           /* for the way home of the last hold */
	struct link link;               /* in its session's prefix, in order of reading */
	_Atomic int holds;
	_Atomic bool failed;            /* the sender was told by an error */
	bool discharged;
	int shard;
	struct sc_session *session;     /* counted; NULL: a module's own */
	void (*done)(void *arg, bool safe);
	void *arg;
};

/* What a session that counts keeps: the stanzas read that are not all safe yet. Embedded in the
 * session. */
struct custody_prefix {
	struct link open;               /* struct custody, oldest first */
	uint32_t handled;               /* `h`: modulo 2^32 */
	bool counts;                    /* the stream has enabled XEP-0198 */
	/* Told on the session's shard when `handled` grew. */
	void (*grew)(struct sc_session *);
};

void custody_prefix_init(struct custody_prefix *);
/* A stanza was read. NULL when the stream does not count. One hold, the caller's. */
struct custody *custody_begin(struct sc_session *, struct custody_prefix *);
struct custody *custody_begin_own(void (*done)(void *arg, bool safe), void *arg);
void custody_hold(struct custody *);            /* NULL is fine */
void custody_release(struct custody *);         /* NULL is fine */
/* The sender gets an error; a release must still follow. False: it has got one already, for a
 * message that failed in one place often fails in another, and one error is enough. */
bool custody_fail(struct custody *);

#endif
