/* SPDX-License-Identifier: MIT */
/* budget: accounts per thread, the memory that the machine or its cgroup allows, and the level. */
#include "config.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/stats.h"

#define ACCOUNTS_MAX 257        /* the first is shared by threads without one */

static struct account {
	_Atomic int64_t used[BUDGET_KINDS];
} __attribute__((aligned(64))) accounts[ACCOUNTS_MAX];

static _Atomic int account_count = 1;
static _Atomic uint64_t limit = UINT64_MAX;
static _Thread_local struct account *mine;
static _Thread_local enum budget_level level;

/* The smallest memory.max from our cgroup up to the root (v2; the same names do not exist in
 * v1). */
static uint64_t
cgroup_limit(void)
{
	char line[1024], path[1200], text[64];
	uint64_t least = UINT64_MAX;
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (f == NULL)
		return least;
	while (fgets(line, sizeof(line), f) != NULL && strncmp(line, "0::/", 4) != 0)
		line[0] = '\0';
	fclose(f);
	if (strncmp(line, "0::/", 4) != 0)
		return least;
	line[strcspn(line, "\n")] = '\0';
	for (char *group = line + 3;;) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", group);
		f = fopen(path, "re");
		if (f != NULL) {
			uint64_t max;

			if (fgets(text, sizeof(text), f) != NULL && sscanf(text, "%" SCNu64,
			    &max) == 1
			    && max < least)
				least = max;
			fclose(f);
		}

		char *slash = strrchr(group, '/');

		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

void
budget_init(uint64_t limit_bytes, int shards)
{
	(void)shards;
	if (limit_bytes == 0) {
		uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
		uint64_t group = cgroup_limit();

		limit_bytes = (group < ram ? group : ram) / 10 * 6;
	}
	limit = limit_bytes;
}

void
budget_thread_start(void)
{
	if (mine != NULL)
		return;

	int n = account_count;

	while (n < ACCOUNTS_MAX && !atomic_compare_exchange_weak(&account_count, &n, n + 1))
		;
	if (n < ACCOUNTS_MAX)
		mine = &accounts[n];
}

void
budget_charge(enum budget_kind kind, int64_t bytes)
{
	if (mine == NULL) {
		atomic_fetch_add_explicit(&accounts[0].used[kind], bytes, memory_order_relaxed);
		return;
	}

	int64_t was = atomic_load_explicit(&mine->used[kind], memory_order_relaxed);

	atomic_store_explicit(&mine->used[kind], was + bytes, memory_order_relaxed);
}

int64_t
budget_used(void)
{
	const struct account *a = mine == NULL ? &accounts[0] : mine;
	int64_t sum = 0;

	for (int kind = 0; kind < BUDGET_KINDS; kind++)
		sum += atomic_load_explicit(&a->used[kind], memory_order_relaxed);
	return sum;
}

int64_t
budget_sum(enum budget_kind kind)
{
	int64_t sum = 0;

	for (int i = 0; i < account_count && i < ACCOUNTS_MAX; i++)
		sum += atomic_load_explicit(&accounts[i].used[kind], memory_order_relaxed);
	return sum;
}

int64_t
budget_all(void)
{
	int64_t sum = 0;

	for (int kind = 0; kind < BUDGET_KINDS; kind++)
		sum += budget_sum(kind);
	return sum;
}

enum budget_level
budget_level(void)
{
	return level;
}

static void
publish(int cell, int64_t *published, int64_t now)
{
	if (now != *published)
		stats_add(cell, now - *published);
	*published = now;
}

static void
publish_all(void)
{
	static const int cells[BUDGET_KINDS] = {
		[BUDGET_STANZAS] = STAT_mem_stanzas_now, [BUDGET_OUTQ] = STAT_mem_outq_now,
		[BUDGET_INPUT] = STAT_mem_input_now, [BUDGET_MAILBOX] = STAT_mem_mailbox_now,
		[BUDGET_DATABASE] = STAT_mem_database_now,
	};
	static _Thread_local int64_t published[BUDGET_KINDS], published_level;

	for (int kind = 0; kind < BUDGET_KINDS; kind++)
		publish(cells[kind], &published[kind], atomic_load_explicit(&mine->used[kind],
			memory_order_relaxed));
	/* The level is one for the process, so one thread tells it. */
	if (mine == &accounts[1])
		publish(STAT_shed_now, &published_level, level);
}

void
budget_update(void)
{
	int64_t sum = budget_all();
	uint64_t used = sum < 0 ? 0 : (uint64_t)sum, most = limit;

	level = used >= most ? BUDGET_FULL : used >= most / 4 * 3 ? BUDGET_SHED : BUDGET_CALM;
	if (mine != NULL)
		publish_all();
}

uint64_t
budget_limit(void)
{
	return limit;
}
