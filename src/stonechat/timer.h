/* SPDX-License-Identifier: MIT */
/* timer: later, on the same shard. */
#ifndef STONECHAT_TIMER_H
#define STONECHAT_TIMER_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

struct sc_timer;

/* Calls fn once after ms on this shard. Use few distinct durations (lists per duration). The timer
 * frees itself after fn; cancel before that by sc_timer_cancel. The ctx has the shard, no stanza;
 * entity NULL. */
struct sc_timer *sc_timer(int64_t ms, void (*fn)(void *arg), void *arg);
void sc_timer_cancel(struct sc_timer **taken);                  /* NULL inside is fine */
/* wall clock, µs since 1970; tests can move it */
int64_t sc_now(void);
/* The same, but no two are alike on a shard: even numbers, each greater than the one before. A turn
 * has one time; where the order of what happens in it matters, this tells. */
int64_t sc_moment(void);
int64_t sc_mono(void);                                          /* monotonic µs */

#pragma GCC visibility pop

#endif
