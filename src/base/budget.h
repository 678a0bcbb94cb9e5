/* SPDX-License-Identifier: MIT */
/*
 * budget: what each shard's queues, arenas and buffers weigh (design §6 Budget). Charging never fails; the level tells
 * the callers what to refuse. Levels are computed at the end of a turn.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdint.h>
#include <stddef.h>

enum budget_kind { BUDGET_STANZAS, BUDGET_OUTQ, BUDGET_INPUT, BUDGET_MAILBOX, BUDGET_KINDS };
enum budget_level { BUDGET_CALM, BUDGET_SHED, BUDGET_FULL };    /* below the first mark; above it; above the second */

void budget_init(uint64_t limit_bytes, int shards);     /* 0: 60 % of RAM or cgroup */
void budget_thread_start(void);
void budget_charge(enum budget_kind, int64_t bytes);    /* negative gives back; this thread's account */
int64_t budget_used(void);                              /* this thread */
enum budget_level budget_level(void);                   /* this thread, as of the last update */
void budget_update(void);                               /* end of turn */
uint64_t budget_limit(void);

#endif
