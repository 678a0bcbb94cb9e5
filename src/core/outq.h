/* SPDX-License-Identifier: MIT */
/*
 * outq: what a session still has to be sent: references to shared stanzas with the little that
 * differs per recipient (design §6). With XEP-0198 a written stanza stays, `flying`, until the
 * client has acknowledged it; without, only those stay that somebody asks about, until the kernel
 * has them.
 */
#ifndef CORE_OUTQ_H
#define CORE_OUTQ_H

#include <stonechat/stanza.h>
#include "base/buf.h"
#include "base/list.h"

struct custody;
struct outq;
struct sc_owed;

/* the stanza's own `to`, or the session's full JID */
enum outq_to { OUTQ_TO_STANZA, OUTQ_TO_SELF };

struct outq_item {
	struct outq_item *next;
	/* one reference; NULL once written, unless it may have to be sent again */
	struct sc_stanza *stanza;
	struct custody *custody;                /* one hold; NULL: none */
	struct outq *q;                         /* whose it is */
	/* with which other copies it is one message; NULL: alone. owed.c */
	struct sc_owed *owed;
	struct link in_owed;
	void (*done)(void *arg, bool safe);     /* NULL: nobody asks */
	void *arg;
	/* of its row, when a module pushed it from one; 0: none */
	int64_t sequence;
	uint32_t weight;
	/* XEP-0198: which stanza of the stream it is; 0: not written yet */
	uint32_t number;
	uint32_t place;                         /* grows along the queue */
	uint64_t end;                           /* bytes of outq.written with it */
	int64_t since;                          /* wall µs when it was queued */
	/* while `later`: what makes an older one superfluous; 0: nothing */
	uint64_t key;
	bool later;                             /* need not be written until something urgent is */
	bool watched;                           /* stanza_acked is to be fired */
	uint8_t to;                             /* enum outq_to */
	uint16_t patch_len;
	char patch[];
};

struct outq {
	struct outq_item *first, **last;        /* not yet written */
	struct outq_item *flying, **flying_last;/* written, not yet safe */
	uint32_t n, n_flying, n_later;
	size_t bytes;                           /* of both */
	size_t bytes_later;
	uint64_t written;                       /* bytes, since the start */
	/* XEP-0198: stanzas written, and acknowledged, since <enabled/>; modulo 2^32 */
	uint32_t sent, acked;
	uint32_t appended;                      /* items, since the start; modulo 2^32 */
	/* the furthest place whose number somebody has written down */
	uint32_t named;
	bool counts;                            /* XEP-0198 is on */
	/* of another server: whatever the kernel has not got is sent again on the next stream */
	bool keeps;
};

void outq_init(struct outq *);
/* The item lives at least until the queue is next written or acknowledged. */
struct outq_item *outq_append(struct outq *, const struct sc_stanza *sealed, enum outq_to,
	const char *patch, size_t patch_len,
	struct custody *held, struct sc_owed *, void (*done)(void *, bool), void *arg);
/* Splices items into buf until it holds about `limit` bytes. Returns how many; *waited: somebody
 * waits for one of them. */
int outq_write(struct outq *, struct buf *, struct sc_span self, size_t limit, bool framed,
	bool *waited);
/* The item, just appended, need not be written soon. One that waits under the same key goes. */
void outq_later(struct outq *, struct outq_item *, uint64_t key);
void outq_drop_later(struct outq *, uint64_t key);      /* as if it had arrived */
void outq_hurry(struct outq *);                         /* what was to wait is urgent now */
/* There is something to write that does not wait. */
static inline bool outq_is_urgent(const struct outq *q) { return q->n > q->n_later; }
/* All that was written but the last bytes is safe: with the kernel, which is all that a client
 * without XEP-0198 lets us know. */
void outq_landed(struct outq *, size_t waiting);
/* XEP-0198 §4: the client has handled h stanzas. False: more than were sent. */
bool outq_ack(struct outq *, uint32_t h);
/* XEP-0198: the number that the stanza has or will have; 0: not known yet, for something waits in
 * the queue that may go (outq_drop_later()). It may be written down: from now on
 * nothing before it is taken out of the queue for being superfluous, so it stays right
 * (outq_withdraw() makes it too high, after which the client may be sent something twice). */
uint32_t outq_number(struct outq_item *);
/* XEP-0198: of a session from the database, whose items have the numbers that they had: those up to
 * h are safe, and the others are numbered anew behind it. */
void outq_count_from(struct outq *, uint32_t h);
/* After a resumption: what was not acknowledged is written again, before everything else. */
void outq_rewind(struct outq *);
/* Drops presence of this full JID that is not sent yet: a newer one follows (design §6, Slow
 * readers). */
void outq_supersede_presence(struct outq *, const struct sc_jid *from);
/* Takes an item out that is not written yet; false: it is, and a number that the client has seen
 * cannot be taken back. */
bool outq_withdraw(struct outq *, struct outq_item *);
/* Ends everything as not safe, oldest first. lost (may be NULL) sees each item with a stanza before
 * it goes. */
void outq_clear(struct outq *, void (*lost)(void *arg, struct outq_item *), void *arg);

#endif
