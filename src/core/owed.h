/* SPDX-License-Identifier: MIT */
/*
 * owed: the copies of one message that sessions of an account have been given (design §5, Holds,
 * Rows). One row in the spool serves them all: it is written when a copy is not acknowledged in
 * time, and goes when nobody is owed it any more.
 */
#ifndef CORE_OWED_H
#define CORE_OWED_H

#include <stonechat/owed.h>
#include "base/list.h"
#include "core/outq.h"
#include "net/timer.h"

enum owed_state {
	OWED_FAST,              /* in memory only: custody waits for acknowledgements */
	OWED_SPILLING,          /* the spool was asked */
	OWED_SPILLED,           /* the row is committed */
	OWED_UNKEPT,            /* it has no row and will get none */
};

struct sc_owed {
	struct link items;              /* struct outq_item */
	struct sc_entity *account;      /* counted */
	struct sc_stanza *stanza;       /* one reference */
	/* one hold: of a session that ended while the row was being written */
	struct custody *custody;
	/* custody_limit, while SPILLING; FAST: when the spool is asked again */
	struct timeout limit;
	/* clock_mono() of the limit; 0: the spool was not asked yet */
	int64_t deadline;
	int64_t sequence;               /* of the row; the module's */
	int64_t since;                  /* wall µs */
	uint32_t refs;                  /* items, the maker, and one while SPILLING */
	uint8_t state;
	bool acked;                     /* some session has it for certain */
	bool noted;                     /* its row says so */
	bool wanted;                    /* a row, as soon as all copies are given */
	bool told;                      /* the sender was told that it may be lost */
};

/* For a message that is about to be queued for sessions. One reference, the caller's. */
struct sc_owed *owed_new(struct sc_entity *, const struct sc_stanza *sealed);
void owed_unref(struct sc_owed *);
/* All sessions have been given their copies, so a row names them all. Ends the maker's
 * reference. */
void owed_given(struct sc_owed *);
void owed_join(struct sc_owed *, struct outq_item *);
/* The copy is safe, or its session ended. Called by outq.c only. */
void owed_leave(struct outq_item *, bool safe);
/* Makes it safe by a row, if it has none yet. */
void owed_spill(struct sc_owed *);
/* The server ends, and what sessions in the database are owed stays as it is. */
void owed_forget_all(struct outq *);
/* Nobody else has it, is owed it, or keeps it: when this copy goes the message must find another
 * way. */
bool owed_would_be_lost(const struct outq_item *);

#endif
