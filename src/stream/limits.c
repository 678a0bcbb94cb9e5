/* SPDX-License-Identifier: MIT */
/* limits: failed logins as a GCRA: a cell holds the time until which its debt reaches. */
#include "config.h"

#include <stdatomic.h>
#include "base/clock.h"
#include "base/table.h"
#include "stream/limits.h"

#define CELLS 65536
#define DELAY_MAX_MS 10000

static _Atomic int32_t unauth[CELLS];
static _Atomic int64_t debt[2][CELLS];

/* What one failure costs, and how much may be owed before it slows. */
static const struct {
	int64_t cost_us, burst_us;
} rates[] = {
	[LIMIT_ADDRESS] = { 1000000, 30 * 1000000LL },  /* 30 at once, then one a second */
	[LIMIT_ACCOUNT] = { 6000000, 60 * 1000000LL },  /* 10 at once, then ten a minute */
};

bool
limits_unauth_enter(const unsigned char address[16], int64_t max)
{
	_Atomic int32_t *cell = &unauth[hash_bytes(address, 16) % CELLS];

	if (atomic_fetch_add(cell, 1) < max)
		return true;
	atomic_fetch_sub(cell, 1);
	return false;
}

void
limits_unauth_leave(const unsigned char address[16])
{
	atomic_fetch_sub(&unauth[hash_bytes(address, 16) % CELLS], 1);
}

void
limits_failed(enum limit_kind kind, const void *key, size_t n)
{
	_Atomic int64_t *cell = &debt[kind][hash_bytes(key, n) % CELLS];
	int64_t now = clock_mono(), old = atomic_load(cell), next;

	do
		next = (old > now ? old : now) + rates[kind].cost_us;
	while (!atomic_compare_exchange_weak(cell, &old, next));
}

int
limits_delay_ms(enum limit_kind kind, const void *key, size_t n)
{
	int64_t over = atomic_load(&debt[kind][hash_bytes(key, n) % CELLS]) - clock_mono() -
		rates[kind].burst_us;

	if (over <= 0)
		return 0;
	return over / 1000 > DELAY_MAX_MS ? DELAY_MAX_MS : (int)(over / 1000) + 1;
}
