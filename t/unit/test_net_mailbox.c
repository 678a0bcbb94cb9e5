/* SPDX-License-Identifier: MIT */
/* mailbox: order per pair, the mark and its release, and four threads that all write to each
 * other. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include "net/mailbox.h"
#include "test_net_help.h"

struct numbered {
	struct letter letter;
	int number;
};

static char seen[256];
static int cleared;

static void
note_number(struct letter *l)
{
	struct numbered *n = container_of(l, struct numbered, letter);

	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%d ", n->number);
}

static struct letter *
letter(int number, size_t weight)
{
	static struct numbered all[64];
	static int used;
	struct numbered *n = &all[used++];

	n->letter = (struct letter){ .open = note_number, .weight = weight };
	n->number = number;
	return &n->letter;
}

static void
count_clear(void *arg)
{
	(void)arg;
	cleared++;
}

static const char *
turn_of(int shard)
{
	seen[0] = '\0';
	loop_become(shard);
	loop_turn();
	return seen;
}

static void
test_order(void)
{
	loop_become(0);
	mailbox_post(1, letter(1, 0));
	mailbox_post(1, letter(2, 0));
	ok(!mailbox_idle(), "not idle while something is staged");
	is_text(turn_of(1), "", "nothing arrives before the sender's turn ends");
	turn_of(0);
	loop_become(0);
	mailbox_post(1, letter(3, 0));
	turn_of(0);
	is_text(turn_of(1), "1 2 3 ", "in the order posted, over two turns");
	ok(mailbox_idle(), "idle");
	is_text(turn_of(1), "", "each once");
	mailbox_post_outside(1, letter(4, 0));
	is_text(turn_of(1), "4 ", "from outside");
}

static void
test_mark(void)
{
	mailbox_high(1000);
	loop_become(0);
	mailbox_post(1, letter(1, 400));
	mailbox_post(1, letter(2, 400));
	ok(!mailbox_choked(), "800 of 1000: not choked");
	mailbox_post(1, letter(3, 400));
	ok(mailbox_choked(), "1200: choked");
	mailbox_when_clear(count_clear, NULL);
	mailbox_post(0, letter(9, 10));
	turn_of(0);
	is_text(turn_of(0), "9 ", "a choked shard still takes its own letters");
	loop_become(0);
	ok(mailbox_choked(), "still choked");
	is_int(cleared, 0, "and nobody was told otherwise");
	is_text(turn_of(1), "1 2 3 ", "the letters are taken");
	turn_of(0);
	loop_become(0);
	ok(!mailbox_choked(), "not choked any more");
	is_int(cleared, 1, "told once");
	turn_of(0);
	is_int(cleared, 1, "and only once");
	loop_become(0);
	mailbox_when_clear(count_clear, NULL);
	turn_of(0);
	is_int(cleared, 2, "when it was clear already: told in the next turn");
	mailbox_high((size_t)8 << 20);
}

/* Four threads: everybody sends to everybody, and every pair's numbers must arrive in order. */

#define THREADS 4
#define EACH 20000

struct travel {
	struct letter letter;
	int from, number;
};

static int expected[THREADS][THREADS];          /* [to][from]; only touched by `to` */
static atomic_int opened, wrong, ready;
static _Thread_local int sent[THREADS];

static void
open_travel(struct letter *l)
{
	struct travel *t = container_of(l, struct travel, letter);

	if (expected[loop_id()][t->from]++ != t->number)
		atomic_fetch_add(&wrong, 1);
	free(t);
	if (atomic_fetch_add(&opened, 1) + 1 == THREADS * THREADS * EACH)
		for (int i = 0; i < THREADS; i++)
			loop_stop(i);
}

static void
send_some(void *arg)
{
	int from = loop_id();

	(void)arg;
	for (int to = 0; to < THREADS; to++) {
		for (int i = 0; i < 50 && sent[to] < EACH && !mailbox_choked(); i++) {
			struct travel *t = calloc(1, sizeof(*t));

			t->letter.open = open_travel;
			t->letter.weight = sizeof(*t);
			t->from = from;
			t->number = sent[to]++;
			mailbox_post(to, &t->letter);
		}
		if (sent[to] < EACH)
			loop_again();
	}
}

static void
start_sending(void *arg)
{
	(void)arg;
	/* Nobody may post to a loop that another thread still sets up. */
	atomic_fetch_add(&ready, 1);
	loop_at_turn_start(send_some, NULL);
}

static void *
sender(void *arg)
{
	loop_run((int)(intptr_t)arg, start_sending, NULL, NULL);
	return NULL;
}

static void
test_threads(void)
{
	pthread_t threads[THREADS];

	mailbox_high(4096);     /* often choked */
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, sender, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	is_int(atomic_load(&opened), THREADS * THREADS * EACH, "every letter was opened");
	is_int(atomic_load(&wrong), 0, "in order for each pair");
	ok(mailbox_idle(), "idle");
}

int
main(void)
{
	loop_setup(2);
	test_order();
	test_mark();
	loop_teardown();
	loop_setup(THREADS);
	test_threads();
	loop_teardown();
	return done_testing();
}
