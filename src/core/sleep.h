/* SPDX-License-Identifier: MIT */
/*
 * sleep: sleeping sessions in the database, so that they survive the process. Saved after a moment
 * of sleep and when the server ends; read with the account; deleted, and that committed, before a
 * session is resumed.
 */
#ifndef CORE_SLEEP_H
#define CORE_SLEEP_H

#include "core/session.h"

/* A session fell asleep: it is saved in two seconds, when its messages have rows. */
void sleep_begins(struct sc_session *);
void sleep_is_due(struct timeout *);            /* sm.save */
/* All of the shard's, now; for the end of the server. */
void sleep_save_all(void);
/* The session is resumed or ends: done (may be NULL) runs when no row of it is left, at once when
 * there is none. ok false: the database does not say so. */
void sleep_ends(struct sc_session *, void (*done)(void *arg, bool ok), void *arg);
/* Makes the account's sleeping sessions, with what they are owed; done runs then. False: they
 * cannot be read now. */
void sleep_load(struct sc_entity *, void (*done)(struct sc_entity *, bool ok));
void sleep_sweep(void);                         /* now and then: rows whose time is over */

#endif
