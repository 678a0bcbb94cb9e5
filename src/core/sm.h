/* SPDX-License-Identifier: MIT */
/*
 * sm: what a session with XEP-0198 has beyond others: its id, the timers of acknowledgement, and
 * its sleep while the client is away. Elements of the protocol are c2s_sm.c's.
 */
#ifndef CORE_SM_H
#define CORE_SM_H

#include <stdbool.h>
#include <stdint.h>
#include <stonechat/text.h>
#include "net/timer.h"

struct sc_session;
struct sc_entity;

/* A resumption that waits until every stanza of the session that was read is safe. Until then `h`
 * would be behind what we have, and the client, told of it, would send again what is on its way
 * already. */
struct sm_wait {
	/* NULL: it has gone, or it took too long */
	void (*settled)(struct sm_wait *, struct sc_session *);
	struct sc_session *session;
	struct timeout timeout;
};

struct sm {
	struct sc_session *session;
	/* the SM-ID, unguessable; only the account's own sessions are searched for it */
	char id[23];
	bool resumable;
	/* the client's last <r/> was answered with a prefix that has grown or will grow */
	bool answering;
	bool answer_due;                /* it has grown */
	bool asked;                     /* <r/> is out, unanswered */
	bool asleep;
	/* this client's acknowledgements usually take longer than custody_spill */
	bool slow;
	int64_t asked_at;               /* clock_mono() */
	int64_t max_ms;                 /* how long it may sleep, as <enabled/> said */
	bool may_be_woken;              /* sc_session_may_be_woken(): it may sleep for longer */
	/* max_ms was the client's wish, which nothing makes longer */
	bool wished;
	/* awake: when to ask, or when the silence is death; asleep: the end */
	struct timeout ask;
	struct timeout spill;           /* custody_spill after the first copy that is waited for */
	struct timeout save;            /* asleep: when it goes to the database (sleep.c) */
	bool saved;                     /* there is a row of it, or one on its way */
	/* it came from the database, and has not been resumed since */
	bool restored;
	struct sm_wait *wait;           /* who wants to resume it; NULL: nobody */
};

/* The group `sm` of the configuration; sm_conf.c has the defaults and the sentences. */
struct sm_limits {
	/* ms */
	int64_t custody_spill, custody_limit, ask_after, dead_after, sleep, sleep_push;
	int64_t sleep_stanzas, sleep_bytes;
};
extern _Thread_local struct sm_limits sm_limits;        /* this shard's */
void sm_conf_register(void);
void sm_conf_take_up(void);                             /* from the snapshot in force */

/* <enable/>: counting begins on both sides. wish_ms: the client's max, 0 for none. */
struct sm *sm_enable(struct sc_session *, bool resumable, int64_t wish_ms);
/* The client acknowledged. False: more than it was sent. */
bool sm_acked(struct sc_session *, uint32_t h);
/* The client asked, and was answered with the present `h`. */
void sm_was_asked(struct sc_session *);
/* Somebody waits for a stanza that was queued, whether it can be written or not: after
 * custody_spill it needs a row. */
void sm_waits(struct sc_session *);
/* Something was written; waited: somebody waits for it. True: <r/> must go with it. */
bool sm_wrote(struct sc_session *, bool waited);
/* From now it may sleep for so long. */
int64_t sm_sleep_ms(const struct sm *);
/* The link is gone but the session may come back. */
void sm_sleep(struct sc_session *);
/* Asleep: calls settled() at once or later, never after the session has been given to another one
 * who waits. */
void sm_when_settled(struct sc_session *, struct sm_wait *);
/* It came back on another stream, which is attached already. */
void sm_wake(struct sc_session *);
/* Makes a session what it was before the server ended: asleep. */
void sm_restore(struct sc_session *, struct sc_span id, uint32_t h, uint32_t acked, int64_t max_ms,
	int64_t left_ms);
void sm_end(struct sc_session *);                       /* frees */
struct sc_session *sm_find(struct sc_entity *, const char *id);
/* What the session is owed becomes rows. */
void sm_spill(struct sc_session *);

#endif
