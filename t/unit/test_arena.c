/* SPDX-License-Identifier: MIT */
/* arena, buf, budget: alignment, growth, reuse, and that everything charged comes back. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/budget.h"
#include "base/stats.h"
#include "tap.h"

static void
taking(void)
{
	struct sc_arena *a = arena_new();
	bool aligned = true, zeroed = true;

	is_int(arena_size(a), ARENA_BLOCK, "a new arena is one block");
	for (size_t n = 0; n < 200; n++) {
		unsigned char *p = sc_alloc(a, n);

		aligned &= (uintptr_t)p % 16 == 0;
		for (size_t i = 0; i < n; i++)
			zeroed &= p[i] == 0;
		memset(p, 0xaa, n);
		sc_copy_n(a, "x", 1);
	}
	ok(aligned, "aligned");
	ok(zeroed, "zeroed");
	ok(arena_size(a) > 20000 && arena_size(a) < 60000, "it grew");
	memset(sc_alloc(a, 1000000), 1, 1000000);
	ok(arena_size(a) > 1000000, "big ones have their own block");
	is_int(budget_sum(BUDGET_STANZAS), (long long)arena_size(a), "the budget knows");
	arena_reset(a);
	is_int(arena_size(a), ARENA_BLOCK, "reset leaves one block");
	is_text(sc_format(a, "%d-%s", 7, "x"), "7-x", "format");
	is_int(strlen(sc_format(a, "%05000d", 7)), 5000, "a format longer than the block");
	is_text(sc_copy(a, "abc"), "abc", "copy");
	ok(sc_copy(a, NULL) == NULL, "copy of NULL");
	is_text(sc_copy_n(a, "abcdef", 3), "abc", "copy_n");
	arena_free(a);
	arena_free(NULL);
	is_int(budget_sum(BUDGET_STANZAS), 0, "and all is given back");
}

static void
reuse(void)
{
	struct sc_arena *a = arena_new(), *b;

	arena_free(a);
	b = arena_new();
	ok(a == b, "a freed block is the next one");
	arena_free(b);
}

static void *
free_there(void *arg)
{
	budget_thread_start();
	arena_free(arg);
	arena_thread_done();
	return NULL;
}

static void
elsewhere(void)
{
	pthread_t t;

	pthread_create(&t, NULL, free_there, arena_new());
	pthread_join(t, NULL);
	is_int(budget_sum(BUDGET_STANZAS), 0, "freed by another thread: the sum is level");
}

static void
buffers(void)
{
	struct buf b = { 0 };

	buf_format(&b, "%s", "");
	buf_add(&b, NULL, 0);
	is_int(b.n, 0, "nothing added");
	for (int i = 0; i < 1000; i++)
		buf_format(&b, "%03d,", i);
	is_int(b.n, 4000, "a thousand pieces");
	ok(memcmp(b.p, "000,001,", 8) == 0 && memcmp(b.p + 3992, "998,999,", 8) == 0, "in order");
	buf_drop(&b, 3996);
	buf_add(&b, "", 1);
	is_text(b.p, "999,", "dropped at the front");
	buf_free(&b);
	ok(b.p == NULL && b.n == 0 && b.room == 0, "freed");
}

static void
levels(void)
{
	budget_init(1000, 1);
	budget_update();
	is_int(budget_level(), BUDGET_CALM, "calm");
	budget_charge(BUDGET_OUTQ, 800);
	is_int(budget_level(), BUDGET_CALM, "as of the last update");
	budget_update();
	is_int(budget_level(), BUDGET_SHED, "above the first mark");
	budget_charge(BUDGET_INPUT, 300);
	budget_update();
	is_int(budget_level(), BUDGET_FULL, "above the second");
	is_int(stats_sum(STAT_shed_now), BUDGET_FULL, "a counter says so");
	is_int(stats_sum(STAT_mem_outq_now), 800, "another what the queues weigh");
	is_int(stats_sum(STAT_mem_input_now), 300, "and the input");
	budget_charge(BUDGET_OUTQ, -800);
	budget_charge(BUDGET_INPUT, -300);
	budget_update();
	is_int(stats_sum(STAT_mem_outq_now) + stats_sum(STAT_shed_now), 0, "the counters too");
	is_int(budget_level(), BUDGET_CALM, "and back");
	budget_init(0, 1);
	ok(budget_limit() > (64 << 20), "a limit from the machine: %llu MiB",
		(unsigned long long)(budget_limit() >> 20));
}

int
main(void)
{
	stats_thread_start();
	budget_thread_start();
	taking();
	reuse();
	elsewhere();
	buffers();
	levels();
	arena_thread_done();
	return done_testing();
}
