/* SPDX-License-Identifier: MIT */
/* timer: time-outs as one list per duration (design §6), so that a million of them cost a link
 * each and no heap. */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"

struct timeout {
	struct link link;
	/* µs of clock_mono() without the time for which the process was stopped */
	int64_t due;
	void (*fn)(struct timeout *);
};

void timeout_init(struct timeout *, void (*fn)(struct timeout *));
/* (Re-)arms on this shard. Only few distinct durations should be used; each makes a list. ms <=
 * 0: next turn. */
void timeout_set(struct timeout *, int64_t ms);
void timeout_clear(struct timeout *);           /* harmless when not armed */
bool timeout_armed(const struct timeout *);
/* After the process was stopped for long, time-outs are as far away as they were before
 * (reliability F25). Called by the loop. */
void timeout_run_due(void);
int64_t timeout_next_us(void);                  /* µs until the earliest may be due; -1 none */

#endif
