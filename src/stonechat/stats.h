/* SPDX-License-Identifier: MIT */
/*
 * stats: counters and gauges, one cell per shard, summed when somebody reads them.
 */
#ifndef STONECHAT_STATS_H
#define STONECHAT_STATS_H

#pragma GCC visibility push(default)

#include <stonechat/text.h>

/* Declares a counter; the loader gives it its cell before any shard runs (the only thing ever
 * written into it).
 *	static SC_COUNTER(spool_full, "Messages refused because the recipient's spool was full");
 *	sc_count(&spool_full, 1);
 * List it in the module's .counters. A gauge is a counter that also goes down. */
struct sc_counter {
	const char *name, *help;
	int *cell;
};

#define SC_COUNTER(ident, text) \
	int ident##_cell = -1; \
	static const struct sc_counter ident = { #ident, text, &ident##_cell }

/* this shard's cell; only from a shard's thread */
void sc_count(const struct sc_counter *, int64_t by);

#pragma GCC visibility pop

#endif
