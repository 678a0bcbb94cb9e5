/* SPDX-License-Identifier: MIT */
/* offload: a small pool of threads for what would block a loop: password hashing, file writes,
 * libpq's name resolution. */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include <stdbool.h>
#include "net/mailbox.h"

struct job {
	struct letter letter;           /* used to come back */
	int shard;
	void (*work)(struct job *);     /* on a pool thread; touches nothing but the job */
	void (*done)(struct job *);     /* on the shard that asked */
};

void offload_setup(int threads);
/* false: too many waiting (setting 10000) */
bool offload_run(struct job *) __attribute__((warn_unused_result));
void offload_teardown(void);            /* finishes what is queued */
int offload_waiting(void);

#endif
