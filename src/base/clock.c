/* SPDX-License-Identifier: MIT */
/*
 * clock: each thread reads the time once a turn and works with that. A shift counts from the next
 * clock_update(); a frozen clock is the same for all threads at once.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

static _Atomic int64_t shift;
static _Atomic bool frozen;
static _Atomic int64_t frozen_mono, frozen_wall;

static _Thread_local struct {
	bool cached;
	int64_t mono, wall;
} now;

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000
		+ atomic_load_explicit(&shift, memory_order_relaxed);
}

int64_t
clock_mono(void)
{
	if (atomic_load_explicit(&frozen, memory_order_acquire))
		return frozen_mono + shift;
	return now.cached ? now.mono : read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_wall(void)
{
	if (atomic_load_explicit(&frozen, memory_order_acquire))
		return frozen_wall + shift;
	return now.cached ? now.wall : read_clock(CLOCK_REALTIME);
}

void
clock_update(void)
{
	now.cached = true;
	now.mono = read_clock(CLOCK_MONOTONIC);
	now.wall = read_clock(CLOCK_REALTIME);
}

void
clock_shift(int64_t us)
{
	atomic_fetch_add(&shift, us);
}

void
clock_freeze(int64_t mono_us, int64_t wall_us)
{
	frozen_mono = mono_us - shift;
	frozen_wall = wall_us - shift;
	atomic_store_explicit(&frozen, true, memory_order_release);
}
