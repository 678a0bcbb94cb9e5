/* SPDX-License-Identifier: MIT */
/* clock, rand, stats: what each thread has of its own. */
#include "config.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/stats.h"
#include "tap.h"

SC_COUNTER(apples, "Apples");

static void
clocks(void)
{
	int64_t before = clock_mono(), wall;

	ok(clock_mono() >= before, "uncached time runs");
	clock_update();
	before = clock_mono();
	wall = clock_wall();
	ok(wall > INT64_C(1600000000000000), "wall clock in microseconds");
	clock_shift(5000000);
	is_int(clock_mono(), before, "a shift waits for the update");
	clock_update();
	ok(clock_mono() - before >= 5000000 && clock_wall() - wall >= 4900000, "and moves both");
	clock_freeze(1000, 2000);
	is_int(clock_mono(), 1000, "frozen");
	is_int(clock_wall(), 2000, "frozen wall");
	clock_update();
	is_int(clock_mono(), 1000, "stays");
	clock_shift(10);
	is_int(clock_mono(), 1010, "shifts still move it");
	is_int(clock_wall(), 2010, "both");
	clock_freeze(7, 8);
	is_int(clock_mono(), 7, "frozen again at exactly this");
}

static void
randomness(void)
{
	unsigned char a[1000], b[1000];
	int fds[2], counts[256] = { 0 }, empty = 0;
	uint64_t mine, childs = 0;
	pid_t child;

	rand_bytes(a, sizeof(a));
	rand_bytes(b, sizeof(b));
	ok(memcmp(a, b, sizeof(a)) != 0, "no two fillings are alike");
	for (size_t i = 0; i < sizeof(a); i++) {
		counts[a[i]]++;
		counts[b[i]]++;
	}
	for (int i = 0; i < 256; i++)
		empty += counts[i] == 0;
	ok(empty < 20, "all bytes occur");
	if (pipe(fds) != 0)
		return;
	child = fork();
	if (child == 0) {
		mine = rand_u64();
		_exit(write(fds[1], &mine, sizeof(mine)) != sizeof(mine));
	}
	mine = rand_u64();
	ok(read(fds[0], &childs, sizeof(childs)) == sizeof(childs), "a child draws");
	waitpid(child, NULL, 0);
	ok(mine != childs, "other numbers than its parent");
}

static void *
count_apples(void *arg)
{
	(void)arg;
	stats_thread_start();
	for (int i = 0; i < 1000; i++) {
		sc_count(&apples, 1);
		STAT_INC(bytes_in);
	}
	return NULL;
}

static void
statistics(void)
{
	pthread_t t[3];
	int known = stats_count();

	is_int(known, STAT_N, "the core's counters");
	is_text(stats_name(STAT_bytes_in), "bytes_in", "have names");
	sc_count(&apples, 1);
	ok(true, "a counter without a cell counts nothing");
	stats_register_counter(&apples);
	stats_register_counter(&apples);
	is_int(stats_count(), known + 1, "registered once");
	is_text(stats_help(*apples.cell), "Apples", "with its help");
	sc_count(&apples, 5);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, count_apples, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	is_int(stats_sum(*apples.cell), 3005, "summed over threads, those that ended too");
	is_int(stats_sum(STAT_bytes_in), 3000, "the core's too");
}

int
main(void)
{
	randomness();
	statistics();
	clocks();
	return done_testing();
}
