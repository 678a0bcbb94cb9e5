/* SPDX-License-Identifier: MIT */
/* inside: what the files of src/net tell each other and nobody else. */
#ifndef NET_INSIDE_H
#define NET_INSIDE_H

#include <stdint.h>

/* Wakes shard `id` if it sleeps; it will look into its mailboxes in its next turn. Any thread. */
void loop_ring(int id);

/* CLOCK_MONOTONIC in µs, not moved by clock_shift(): tells a stopped process from a test that
 * moves time. Tests replace it. */
extern int64_t (*loop_raw_clock)(void);

void mailbox_setup(int shards);
void mailbox_teardown(void);
void mailbox_take(void);                /* opens what has arrived, in slices */

void timers_setup(int shards);
void timers_teardown(void);
/* so much time did not count: every time-out of this shard is due later */
void timers_skip(int64_t us);

void conn_setup(int shards);
void conn_teardown(void);
void conn_bury(void);                   /* end of turn: frees the connections closed in it */

#endif
