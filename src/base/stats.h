/* SPDX-License-Identifier: MIT */
/*
 * stats: cells of counters, one array per thread; the core's own counters are listed in
 * stats.def.
 */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stonechat/stats.h>

enum stat_cell {        /* not "stat": that is a system struct */
#define STAT(ident, text) STAT_##ident,
#include "stats.def"
#undef STAT
	STAT_N
};

int stats_register(const char *name, const char *help); /* before threads start; the cell */
void stats_register_counter(const struct sc_counter *); /* of a module: sets *cell */
void stats_thread_start(void);                          /* gives this thread its array */
/* a relaxed atomic in this thread's array */
void stats_add(int cell, int64_t by);
int64_t stats_sum(int cell);                            /* any thread */
int stats_count(void);
const char *stats_name(int cell);
const char *stats_help(int cell);
#define STAT_INC(ident) stats_add(STAT_##ident, 1)
#define STAT_DEC(ident) stats_add(STAT_##ident, -1)

#endif
