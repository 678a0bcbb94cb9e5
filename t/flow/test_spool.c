/* SPDX-License-Identifier: MIT */
/* The spool and the queues of sessions together, with the module `offline` over a table in memory:
 * whatever dies, nothing is lost, and the order of a pair holds from the sender to the one who
 * reads at last. */
#include "config.h"

#include "../unit/tap.h"
#include "base/stats.h"
#include "core/session.h"
#include "flow.h"
#include "flow_spool.h"

static void
chats(struct client *from, const char *to, int first, int n)
{
	for (int i = first; i < first + n; i++)
		feed(from, "<message to='%s' type='chat'><body>%d</body></message>", to, i);
}

static void
set_limits(void *arg)
{
	session_limits.outq_items = *(uint32_t *)arg;
}

static void
small_queues(struct flow *f, int shards, uint32_t items)
{
	for (int i = 0; i < shards; i++)
		on_shard(f, i, set_limits, &items);
}

/* Stored while she is away, given in windows when she comes, and what is sent meanwhile comes after
 * it. */
static void
test_windows(int shards)
{
	struct flow *f = spool_flow(shards);
	struct client *romeo = come(f, "romeo@here/orchard"), *juliet;

	printf("# windows, %d shards\n", shards);
	account(f, "juliet@here");
	chats(romeo, "juliet@here", 0, 300);
	run(f);
	is_int(spool_rows(), 300, "stored");
	juliet = bind_client(f, "juliet@here/balcony");
	read_only(juliet, 0);
	feed(juliet, "<presence/>");
	run(f);
	ok(queued(juliet) <= 64, "a window of %d", queued(juliet));
	chats(romeo, "juliet@here", 300, 50);
	run(f);
	ok(queued(juliet) <= 64, "still: %d", queued(juliet));
	read_on(juliet);
	chats(romeo, "juliet@here", 350, 50);
	run(f);
	pass_time(f, 10000);
	ok(bodies_rise(juliet, 0, 400), "all, once, in order");
	is_int(spool_rows(), 0, "and the table is empty");
	flow_end(&f);
	spool_clear();
}

/* The database is slow and answers when the test says; she comes and goes. */
static void
test_slow_database(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard"), *juliet;

	printf("# a slow database\n");
	account(f, "juliet@here");
	chats(romeo, "juliet@here", 0, 3);
	run(f);
	pause_statement(f, "spool_add");
	pause_statement(f, "spool_page");
	chats(romeo, "juliet@here", 3, 2);
	run(f);
	juliet = come(f, "juliet@here/balcony");
	chats(romeo, "juliet@here", 5, 2);
	run(f);
	is_quiet(juliet);
	finish_one(f, "spool_page", SC_DB_OK);
	chats(romeo, "juliet@here", 7, 1);
	run(f);
	unpause_statement(f, "spool_add");
	unpause_statement(f, "spool_page");
	pass_time(f, 10000);
	ok(bodies_rise(juliet, 0, 8), "in order");
	chats(romeo, "juliet@here", 8, 1);
	run(f);
	is_bodies(juliet, "8");
	flow_end(&f);
	spool_clear();
}

/* She reads slowly, then her link breaks: what was queued for her is older than what went to the
 * spool meanwhile. */
static void
test_slow_reader_dies(bool in_the_middle)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony"), *phone;
	int early = 0;

	printf("# a slow reader dies%s\n", in_the_middle ? " while another session is served" : "");
	small_queues(f, 2, 10);
	read_only(juliet, 0);
	for (int i = 0; i < 30; i++) {
		chats(romeo, "juliet@here/balcony", i, 1);
		run(f);
		wall_jumps(f, 1);
	}
	ok(spool_rows() > 10 && spool_rows() < 30, "%d of 30 went to the spool", spool_rows());
	if (in_the_middle) {
		phone = bind_client(f, "juliet@here/phone");
		feed(phone, "<presence/>");
		run(f);
		early = bodies_arrived(phone);
	}
	hang_up(juliet);
	run(f);
	if (!in_the_middle) {
		phone = bind_client(f, "juliet@here/phone");
		feed(phone, "<presence/>");
	}
	pass_time(f, 20000);
	if (!in_the_middle)
		ok(bodies_rise(phone, 0, 30), "all, once, in order");
	else
		is_int(bodies_arrived(phone), 30 - early, "and the rest when she is gone");
	is_int(spool_rows(), 0, "the table is empty");
	flow_end(&f);
	spool_clear();
}

int
main(void)
{
	test_windows(1);
	test_windows(3);
	test_slow_database();
	test_slow_reader_dies(false);
	test_slow_reader_dies(true);
	return done_testing();
}
