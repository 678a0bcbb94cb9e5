/* SPDX-License-Identifier: MIT */
/*
 * session: one bound stream of an account, on the account's home. It owns the queue of what goes
 * out and the lane of what came in; the stream below is known by four functions only.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <stonechat/session.h>
#include "core/custody.h"
#include "core/outq.h"
#include "core/sm.h"
#include "plugin/slot.h"

struct session_ops {
	void (*write)(void *stream, const char *bytes, size_t n);
	/* bytes not yet with the kernel; SIZE_MAX: there is no connection */
	size_t (*waiting)(const void *stream);
	/* with a stream error; ends in session_end() */
	void (*close)(void *stream, const char *condition, const char *text);
	/* without a word: the link is dead. Ends in session_lost() or _end() */
	void (*drop)(void *stream);
	void (*pause)(void *stream);                    /* read no more stanzas */
	void (*resume)(void *stream);
	const char *(*peer)(const void *stream);
	/* WebSocket: each stanza says its namespace */
	bool framed;
};

struct sc_session {
	struct link link;               /* entity->sessions */
	struct link in_shard;           /* shard.sessions */
	struct link dirty;              /* shard.dirty; shard.leaving once it ends */
	struct sc_entity *entity;       /* counted */
	const struct session_ops *ops;
	void *stream;                   /* NULL: gone or asleep */
	uint64_t number;
	int64_t since, active;          /* wall µs */
	/* clock_mono() when something of its queue last left, since it is `over` */
	int64_t moved;
	struct outq outq;
	struct link inbox;              /* struct inbound: read, waiting for the one that is held */
	struct custody_prefix prefix;
	struct sm *sm;                  /* XEP-0198; NULL: not enabled */
	/* the client's id by XEP-0388; NULL: not told. Nobody else may see it */
	char *agent;
	char *presence;                 /* the last one, as text; NULL: not available */
	struct slots slots;
	uint32_t refs;
	uint16_t n_inbox;
	int8_t priority;
	/* the client has not heard yet that it is bound: nothing is written */
	bool quiet;
	bool busy;                      /* a stanza is in from_client or its IQ handler */
	/* session_next() is taking the next ones: do not start another round */
	bool taking;
	bool paused;                    /* the stream was told to stop reading */
	/* the stream ended; session_gone follows the last of the inbox */
	bool ending;
	bool gone;
	/* its queue went over the limit and has not come down yet */
	bool over;
	uint8_t draining;
	uint8_t corked;                 /* sc_session_cork() */
	uint8_t detached;               /* IQ gets that are being read while the stream goes on */
	struct sc_jid jid;              /* full */
	char text[];
};

/* Limits on a session's queue; set from the configuration at each reload. */
struct session_limits {
	uint32_t outq_items;            /* 1000 */
	size_t outq_bytes;              /* 4 MiB */
	/* stanzas that wait behind a held one before the stream is paused: 16 */
	int inbox;
	int window;                     /* items that sc_session_window() starts from: 64 */
	/* a queue over its limit that does not move for so long ends the session: 60000 */
	int64_t stuck_ms;
};
extern _Thread_local struct session_limits session_limits;

/* Binds: resource is prepared. The caller has ended a session with the same resource before. Refers
 * to the entity. Nothing is written to the stream until session_start(). */
struct sc_session *session_new(struct sc_entity *, struct sc_span resource,
	const struct session_ops *, void *stream);
/* The client has been told, so from now it may get something. */
void session_start(struct sc_session *);
void session_ref(struct sc_session *);
void session_unref(struct sc_session *);
/* The connection is no more, without a goodbye: a session that may be resumed sleeps, any other
 * ends. */
void session_lost(struct sc_session *);
/* The stream is no more (whatever death). The hooks session_presence and session_gone run soon,
 * after what was read before; not from inside this call, so whoever walks over the sessions of an
 * account may end them. */
void session_end(struct sc_session *);
bool session_leave_next(void);          /* for route_run(): false: nobody is about to leave */
/* The connection is about to be closed: so many of the bytes written will not reach the kernel. */
void session_landed(struct sc_session *);

/* Another stream has bound the same resource: the old session ends at once with the stream error
 * `conflict`. */
void session_replace(struct sc_session *);

/* A stanza was read from the stream, checked for its shape and with `from` stamped. */
void session_input(struct sc_session *, struct sc_stanza **taken);
/* One was read that the stream has answered itself: it has a number like any other. */
void session_answered(struct sc_session *);
/* The stanza in work is done: take the next. For route.c. */
void session_next(struct sc_session *);

/* Queue and mark for writing at the end of the turn. held may be NULL. */
struct outq_item *session_send(struct sc_session *, const struct sc_stanza *sealed, enum outq_to,
	const char *patch, struct custody *held,
	struct sc_owed *, void (*done)(void *, bool), void *arg);
/* Ends a sleeping session of a server that ends: it is in the database, so nobody is told. */
void session_forget(struct sc_session *);
/* What a session that came from the database shows the world; nobody is told. */
void session_restore_presence(struct sc_session *, struct sc_span text);
void session_mark_dirty(struct sc_session *);
/* The client has acknowledged a stanza that a module asked about. For outq.c. */
void session_tell_acked(struct sc_session *, const struct sc_stanza *);
/* The queue is full: messages go to the spool instead, presence is dropped. */
bool session_is_full(const struct sc_session *);
/* The kernel has everything. Called by the stream. */
void session_drained(struct sc_session *);
void session_flush_dirty(void);                         /* end of turn */
void session_thread_done(void);
/* now and then: ends sessions that take nothing */
void session_check_stuck(void);
/* over the memory limit: ends the sleeper with the largest queue */
void session_shed(void);

#endif
