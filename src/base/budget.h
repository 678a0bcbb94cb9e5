/* SPDX-License-Identifier: MIT */
/*
 * budget: what queues, arenas and buffers weigh (design §6 Budget). Charging never fails; the level
 * tells the callers what to refuse. Each thread has an account of its own, but the level is that of
 * the whole process: what one shard allocates another often frees, so only the sum means anything.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdint.h>
#include <stddef.h>

enum budget_kind {
	BUDGET_STANZAS,
	BUDGET_OUTQ,
	BUDGET_INPUT,
	BUDGET_MAILBOX,
	BUDGET_DATABASE,        /* operations with their arguments, and the rows of answers */
	BUDGET_KINDS
};
/* Below the first mark (three quarters of the limit); above it; above the second (the limit). */
enum budget_level { BUDGET_CALM, BUDGET_SHED, BUDGET_FULL };

void budget_init(uint64_t limit_bytes, int shards);     /* 0: 60 % of RAM or cgroup */
void budget_thread_start(void);
void budget_charge(enum budget_kind, int64_t bytes);    /* negative gives back; any thread */
int64_t budget_used(void);                              /* this thread; may be negative */
int64_t budget_sum(enum budget_kind);                   /* of the process */
int64_t budget_all(void);                               /* the same of all kinds */
enum budget_level budget_level(void);                   /* as of this thread's last update */
/* end of turn: takes up the level, and puts what this thread has charged into the counters */
void budget_update(void);
uint64_t budget_limit(void);

#endif
