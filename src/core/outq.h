/* SPDX-License-Identifier: MIT */
/*
 * outq: what a session still has to be sent: references to shared stanzas with the little that differs per recipient (design §6).
 */
#ifndef CORE_OUTQ_H
#define CORE_OUTQ_H

#include <stonechat/stanza.h>
#include "base/buf.h"

struct custody;

enum outq_to { OUTQ_TO_STANZA, OUTQ_TO_SELF };          /* the stanza's own `to`, or the session's full JID */

struct outq_item {
	struct outq_item *next;
	struct sc_stanza *stanza;               /* one reference */
	struct custody *custody;                /* one hold; NULL: none */
	void (*done)(void *arg, bool safe);     /* NULL: nobody asks */
	void *arg;
	uint32_t weight;
	uint8_t to;                             /* enum outq_to */
	uint16_t patch_len;
	char patch[];
};

struct outq {
	struct outq_item *first, **last;        /* not yet written */
	struct outq_item *flying, **flying_last;/* written, not yet safe; only those that somebody asks about */
	uint32_t n;                             /* not yet written */
	size_t bytes;
};

void outq_init(struct outq *);
void outq_append(struct outq *, const struct sc_stanza *sealed, enum outq_to, const char *patch, size_t patch_len,
	struct custody *held, void (*done)(void *, bool), void *arg);
/* Splices items into buf until it holds about `limit` bytes. Returns how many. */
int outq_write(struct outq *, struct buf *, struct sc_span self, size_t limit, bool framed);
/* What was written is safe: with the kernel, which is all that a client without XEP-0198 lets us know. */
void outq_landed(struct outq *);
/* Drops presence of this full JID that is not sent yet: a newer one follows (design §6, Slow readers). */
void outq_supersede_presence(struct outq *, const struct sc_jid *from);
/* Ends everything as not safe. */
void outq_clear(struct outq *);

#endif
