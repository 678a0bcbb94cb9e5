/* SPDX-License-Identifier: MIT */
/*
 * stats: one array of cells per thread, written only by that thread (a relaxed load and store, no
 * locked instruction) and summed by whoever asks. Threads without an array of their own share one,
 * with locked additions. Arrays are never freed: what a thread counted stays counted.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/stats.h"
#include <stonechat/log.h>

#define CELLS_MAX 1024
#define THREADS_MAX 256

struct cells {
	_Atomic int64_t at[CELLS_MAX];
};

static struct {
	const char *name, *help;
} known[CELLS_MAX] = {
#define STAT(ident, text) { #ident, text },
#include "stats.def"
#undef STAT
};

static _Atomic int known_count = STAT_N;
static struct cells shared;
static _Atomic(struct cells *) all[THREADS_MAX];
static _Atomic int all_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct cells *mine;

int
stats_register(const char *name, const char *help)
{
	pthread_mutex_lock(&lock);

	int cell = known_count;

	sc_assert(cell < CELLS_MAX);
	known[cell].name = name;
	known[cell].help = help;
	known_count = cell + 1;
	pthread_mutex_unlock(&lock);
	return cell;
}

void
stats_register_counter(const struct sc_counter *counter)
{
	if (*counter->cell < 0)
		*counter->cell = stats_register(counter->name, counter->help);
}

void
stats_thread_start(void)
{
	if (mine != NULL)
		return;
	pthread_mutex_lock(&lock);
	if (all_count < THREADS_MAX) {
		mine = mem_new(sizeof(struct cells));
		all[all_count] = mine;
		all_count++;
	}
	pthread_mutex_unlock(&lock);
}

void
stats_add(int cell, int64_t by)
{
	if (mine == NULL) {
		atomic_fetch_add_explicit(&shared.at[cell], by, memory_order_relaxed);
		return;
	}

	int64_t was = atomic_load_explicit(&mine->at[cell], memory_order_relaxed);

	atomic_store_explicit(&mine->at[cell], was + by, memory_order_relaxed);
}

void
sc_count(const struct sc_counter *counter, int64_t by)
{
	if (*counter->cell >= 0)        /* a module in a unit test may have none */
		stats_add(*counter->cell, by);
}

int64_t
stats_sum(int cell)
{
	int64_t sum = atomic_load_explicit(&shared.at[cell], memory_order_relaxed);

	for (int i = 0; i < all_count; i++)
		sum += atomic_load_explicit(&all[i]->at[cell], memory_order_relaxed);
	return sum;
}

int
stats_count(void)
{
	return known_count;
}

const char *
stats_name(int cell)
{
	return known[cell].name;
}

const char *
stats_help(int cell)
{
	return known[cell].help;
}
