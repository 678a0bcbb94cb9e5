/* SPDX-License-Identifier: MIT */
/* worker: the process that does the work: one thread per shard. */
#ifndef WORKER_H
#define WORKER_H

#include "supervisor.h"

#define WORKER_NO_DATABASE 3

/* Runs until the supervisor ends or tells it to. Returns the exit status; WORKER_NO_DATABASE: it
 * could not begin, since the database is away. */
int worker_run(const struct inheritance *);

#endif
