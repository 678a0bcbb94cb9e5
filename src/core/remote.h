/* SPDX-License-Identifier: MIT */
/*
 * remote: other servers, as the core sees them. What goes out waits in one queue for each pair
 * (domain of ours, domain of theirs), which lives on shard remote_home() with the stream that
 * carries it; what comes in passes from_remote one stanza at a time (remote_in.c). A message that
 * has waited for long has a row in the database (remote_spool.c). The streams are known by a table
 * of functions only.
 */
#ifndef CORE_REMOTE_H
#define CORE_REMOTE_H

#include <stonechat/stanza.h>
#include "base/list.h"
#include "base/table.h"
#include "core/outq.h"
#include "core/route.h"
#include "net/timer.h"

enum remote_state {
	REMOTE_IDLE,            /* nothing waits, there is no stream */
	REMOTE_READING,         /* rows from before the start come first */
	REMOTE_CONNECTING,
	REMOTE_UP,              /* a stream may carry stanzas of the pair */
	REMOTE_RESTING,         /* it did not work; tried again at next_try */
};

struct remote {
	struct table_node node;
	struct link all;                /* every one of this shard */
	struct link dirty;              /* has something to write at the end of the turn */
	struct outq q;
	struct link behind;             /* struct parcel: came while rows were being read */
	uint32_t n_behind;
	void *stream;                   /* while UP */
	struct timeout timer;           /* who has waited too long; and the next try */
	struct timeout spill;           /* who waits so long that it needs a row */
	int64_t since;                  /* wall µs of the present state */
	int64_t tried, next_try;        /* clock_mono(); 0: never */
	int64_t backoff_ms;
	/* clock_mono(): written and not acknowledged since; 0: nothing is */
	int64_t asked_at;
	int64_t sent;                   /* stanzas written, ever */
	int64_t pair;                   /* the stable hash of both domains: key of its rows */
	bool has_rows;                  /* from before the start; while READING */
	uint8_t state;
	char resume[65];                /* XEP-0198: by which the peer resumes our last stream; "":
		not */
	char why[256];                  /* why the last try failed, for people */
	const char *local, *domain;     /* both in text[] */
	char text[];
};

/* What the streams do for a pair; set once before the shards start. NULL: this server speaks to
 * no other. */
struct remote_ops {
	/* Begin; ends in remote_up() or remote_failed(), not from inside this call. */
	void (*connect)(struct remote *);
	void (*write)(void *stream, const char *bytes, size_t n);
	size_t (*waiting)(const void *stream);          /* bytes not yet with the kernel */
	/* n stanzas were written. */
	void (*wrote)(void *stream, int n);
	/* May stanzas from this domain of ours go to that one at all? NULL: yes; otherwise a
	 * sentence for the sender, or "". Any shard. */
	const char *(*refuses)(struct sc_span local, struct sc_span domain);
};
extern const struct remote_ops *remote_ops;

struct remote_limits {
	uint32_t pairs;                 /* in memory, of the whole process */
	uint32_t stanzas;               /* that wait for one pair */
	size_t bytes;
	int64_t age_ms;                 /* how long a message may wait */
	int64_t short_ms;               /* the same for all else */
	int64_t spill_ms;               /* after so long a message gets a row */
	int64_t keep_ms;                /* how long a row may take before the sender is told */
	int64_t backoff_ms, backoff_max_ms;
};
extern _Thread_local struct remote_limits remote_limits;

/* --- for the core --- */
/* A stanza for a domain that is not ours, whose to_remote hooks have passed. Takes the parcel;
 * any shard. */
void remote_post(struct parcel *);
void remote_flush(void);                                /* end of a turn */
/* the database can be asked: rows that wait are read */
void remote_start(void);
/* now and then: those that nobody needs go */
void remote_sweep(void);
/* the shard ends: nothing waits for a row any more */
bool remote_settled(void);
/* the shard ends: what waits gets its rows now */
void remote_keep_all(void);
void remote_stop(void);

/* --- for the streams, on the pair's shard --- */
int remote_home(const char *local, const char *domain);
/* NULL: nothing of it is known */
struct remote *remote_find(const char *local, const char *domain);
/* made when there is none */
struct remote *remote_get(const char *local, const char *domain);
/* The stream may carry stanzas of the pair. counts: XEP-0198 is on; resumed: and goes on with
 * the numbers of the last stream. What was not acknowledged there goes first. */
void remote_up(struct remote *, void *stream, bool counts, bool resumed);
/* The stream ended. Its owner has called remote_landed() before. */
void remote_down(struct remote *, const char *why);
void remote_landed(struct remote *);                    /* more of it is with the kernel */
/* No stream could be made. certain: there is no such server (remote-server-not-found), so
 * waiting is in vain. */
void remote_failed(struct remote *, bool certain, const char *why);
bool remote_acked(struct remote *, uint32_t h);         /* XEP-0198; false: more than was sent */
/* Another stream than the one that these were written to: what cannot be sent twice is answered
 * with an error. */
void remote_forget_flying(struct remote *);
bool remote_is_quiet(const struct remote *);            /* nothing waits, nothing flies */
/* the administrator does not want to wait */
void remote_try_now(struct remote *);
void remote_each(void (*see)(void *arg, struct remote *), void *arg);

/* --- remote_in.c: what comes in --- */
struct remote_in;
/* pause and resume tell the stream to read no more, and to go on. */
struct remote_in *remote_in_new(void *stream, void (*pause)(void *), void (*resume)(void *));
/* the stream ended; what was read goes on */
void remote_in_gone(struct remote_in **taken);
void remote_in_stream(struct remote_in *, void *stream);/* another stream goes on with it */
/* Addresses are checked. Takes both. */
void remote_in_stanza(struct remote_in *, struct sc_host *, struct sc_stanza **taken,
	struct custody *hold);

/* --- remote_spool.c --- */
/* gives it a row, unless it has one */
void remote_spool_item(struct remote *, struct outq_item *);
bool remote_has_row(const struct outq_item *);
void remote_spool_read(struct remote *);                /* ends in remote_read() */
void remote_read(struct remote *);                      /* remote.c: the rows are in the queue */
/* remote.c: takes it out of the queue */
void remote_bounce(struct remote *, struct outq_item *, enum sc_cond, const char *text);
/* rows of this shard that are being written */
int remote_spool_busy(void);
void remote_spool_start(void);
/* which pairs have rows from before the start */
bool remote_spool_known(void);
void remote_spool_stop(void);
bool remote_is_kept(const struct sc_stanza *);          /* the kinds that wait for long */

#endif
