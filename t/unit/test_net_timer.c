/* SPDX-License-Identifier: MIT */
/* timer: order, re-arming, clearing, and the process that was stopped. */
#include "config.h"

#include "base/clock.h"
#include "net/inside.h"
#include "net/loop.h"
#include "net/timer.h"
#include "tap.h"

static char fired[64];
static struct timeout a, b, c;
static int64_t now = 1000000000, raw = 77000000;

static int64_t
test_raw_clock(void)
{
	return raw;
}

static void
note(char letter)
{
	size_t n = strlen(fired);

	fired[n] = letter;
	fired[n + 1] = '\0';
}

static void note_a(struct timeout *t) { (void)t; note('a'); }
static void note_b(struct timeout *t) { (void)t; note('b'); }
static void note_c(struct timeout *t) { (void)t; note('c'); }
static void a_again(struct timeout *t) { note('A'); timeout_set(t, 0); }
static void a_clears_b(struct timeout *t) { (void)t; note('a'); timeout_clear(&b); }

/* Time passes for everybody: the process was running. */
static const char *
after_ms(int64_t ms)
{
	now += ms * 1000;
	raw += ms * 1000;
	clock_freeze(now, now);
	fired[0] = '\0';
	loop_turn();
	return fired;
}

static void
start(void)
{
	timeout_init(&a, note_a);
	timeout_init(&b, note_b);
	timeout_init(&c, note_c);
}

static void
test_order(void)
{
	start();
	timeout_set(&a, 100);
	timeout_set(&b, 50);
	ok(timeout_armed(&a), "armed");
	is_int(timeout_next_us(), 50000, "the earliest is due in 50 ms");
	is_text(after_ms(49), "", "nothing before its time");
	timeout_set(&c, 100);
	is_text(after_ms(1), "b", "the shorter first");
	ok(!timeout_armed(&b), "fired is not armed");
	is_text(after_ms(50), "a", "the longer later");
	is_text(after_ms(49), "c", "same duration, armed later");
	is_int(timeout_next_us(), -1, "none left");
}

static void
test_rearm_and_clear(void)
{
	start();
	timeout_set(&a, 100);
	after_ms(60);
	timeout_set(&a, 100);
	is_text(after_ms(60), "", "re-armed counts from then");
	is_text(after_ms(40), "a", "and fires once");
	timeout_set(&b, 10);
	timeout_clear(&b);
	timeout_clear(&b);
	is_text(after_ms(1000), "", "cleared does not fire");

	a.fn = a_clears_b;
	timeout_set(&a, 10);
	timeout_set(&b, 10);
	is_text(after_ms(10), "a", "cleared by one that is due in the same turn");

	a.fn = a_again;
	timeout_set(&a, 0);
	is_text(after_ms(0), "A", "0 ms: next turn, and re-arming inside waits for the turn after");
	is_text(after_ms(0), "A", "which comes");
	timeout_clear(&a);
}

static void
test_many_durations(void)
{
	static struct timeout many[300];

	for (int i = 0; i < 300; i++)
		timeout_init(&many[i], note_c);
	for (int i = 0; i < 300; i++) {
		timeout_set(&many[i], 1000 + i);
		if (i % 2 == 1)
			timeout_clear(&many[i]);
	}
	is_text(after_ms(1010), "cccccc", "many durations, half of them cleared");
	for (int i = 0; i < 300; i++)
		timeout_clear(&many[i]);
}

/* clock_shift() moves the clock of everybody; a stop is seen by the raw clock as well. */
static void
test_stop(void)
{
	start();
	timeout_set(&a, 30000);
	timeout_set(&b, 900000);
	is_text(after_ms(20000), "", "stopped for 20 s: nothing yet");
	after_ms(0);
	is_text(after_ms(29999), "", "stopped again, beyond the time-out: it does not fire "
		"on waking");
	is_text(after_ms(4000), "", "the time that passes awake counts");
	for (int i = 0; i < 6; i++)
		after_ms(4000);
	is_text(fired, "", "28 s awake");
	is_text(after_ms(2000), "a", "30 s awake");

	now += 1000 * INT64_C(1000000);
	clock_freeze(now, now);
	fired[0] = '\0';
	loop_turn();
	is_text(fired, "b", "a clock moved by a test is no stop");
}

int
main(void)
{
	loop_raw_clock = test_raw_clock;
	clock_freeze(now, now);
	loop_setup(1);
	loop_become(0);
	test_order();
	test_rearm_and_clear();
	test_many_durations();
	test_stop();
	loop_teardown();
	return done_testing();
}
