/* SPDX-License-Identifier: MIT */
/* worker: the process that does the work: one thread per shard. */
#ifndef WORKER_H
#define WORKER_H

#include "supervisor.h"

/* Runs until the supervisor ends or tells it to. Returns the exit status. */
int worker_run(const struct inheritance *);

#endif
