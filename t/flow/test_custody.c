/* SPDX-License-Identifier: MIT */
/* Custody (design §5): numbers, holds on any shard, the prefix that never goes back, and what the
 * recipient's stream makes of it. */
#include "config.h"

#include "../unit/tap.h"
#include "base/stats.h"
#include "core/custody.h"
#include "core/session.h"
#include "core/sm.h"
#include "flow.h"

#define HOLD_FROM "<hold-from xmlns='urn:flow'/>"
#define BEHIND_FROM "<behind-from xmlns='urn:flow'/>"
#define HOLD_TO "<hold-to xmlns='urn:flow'/>"
#define BEHIND_TO "<behind-to xmlns='urn:flow'/>"

static void
chat(struct client *from, const char *to, const char *body, const char *more)
{
	feed(from, "<message to='%s' type='chat'><body>%s</body>%s</message>", to, body, more);
}

/* Each stanza takes a number; `h` is the length of the prefix that is done. */
static void
test_prefix(int shards)
{
	struct flow *f = flow_start(.shards = shards);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# prefix, %d shards\n", shards);
	count_handled(romeo);
	is_handled(romeo, 0);
	feed(romeo, "<presence/>");
	feed(romeo, "<iq type='get' id='n'><now xmlns='urn:flow'/></iq>");
	chat(romeo, "juliet@here", "1", "");
	run(f);
	is_handled(romeo, 3);
	pause_statement(f, "flow_behind_from");
	pause_statement(f, "flow_behind_to");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@here", "2", BEHIND_FROM);
	chat(romeo, "juliet@here", "3", BEHIND_TO);
	chat(romeo, "juliet@here", "4", "");
	run(f);
	is_bodies(juliet, "1", "2", "3", "4");
	is_handled(romeo, 3);
	finish_one(f, "flow_behind_to", SC_DB_OK);
	is_handled(romeo, 3);
	chat(romeo, "juliet@here", "5", HOLD_FROM);
	feed(romeo, "<iq type='result' id='r' to='juliet@here/balcony'/>");
	run(f);
	finish_one(f, "flow_behind_from", SC_DB_OK);
	is_handled(romeo, 6);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_handled(romeo, 8);
	flow_end(&f);
}

/* A stanza that is refused, now or by a continuation behind it, is done: the sender has been
 * told. */
static void
test_refused(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# refused\n");
	count_handled(romeo);
	chat(romeo, "nobody@here", "1", "");
	run(f);
	is_handled(romeo, 1);
	is_bodies(romeo, "error service-unavailable");
	pause_statement(f, "flow_behind_to");
	chat(romeo, "juliet@here", "2", BEHIND_TO);
	run(f);
	is_bodies(juliet, "2");
	is_handled(romeo, 1);
	finish_one(f, "flow_behind_to", SC_DB_FAILED);
	is_handled(romeo, 2);
	is_bodies(romeo, "error internal-server-error");
	/* Nobody keeps it: bounced. */
	hang_up(juliet);
	chat(romeo, "juliet@here", "3", "");
	run(f);
	is_handled(romeo, 3);
	is_bodies(romeo, "error service-unavailable");
	/* Kept, when the row is there. */
	tiny.keep = true;
	pause_statement(f, "flow_keep");
	chat(romeo, "juliet@here", "4", "");
	chat(romeo, "juliet@here", "5", "");
	run(f);
	is_handled(romeo, 3);
	finish_one(f, "flow_keep", SC_DB_OK);
	is_handled(romeo, 4);
	finish_one(f, "flow_keep", SC_DB_BUSY);
	is_handled(romeo, 5);
	is_bodies(romeo, "error resource-constraint");
	flow_end(&f);
}

/* The sender is gone when it turns out that his stanza cannot be kept: nothing but the counting is
 * left to do. */
static void
test_behind_a_gone_stream(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"), *again,
		*juliet = come(f, "juliet@here/balcony");

	printf("# behind a stream that is gone\n");
	count_handled(romeo);
	pause_statement(f, "flow_behind_from");
	pause_statement(f, "flow_behind_to");
	chat(romeo, "juliet@here", "1", BEHIND_FROM);
	chat(romeo, "juliet@here", "2", BEHIND_TO);
	run(f);
	hang_up(romeo);
	run(f);
	is_text(tiny.trace, "gone romeo@here/orchard, idle romeo@here", "gone");
	finish_one(f, "flow_behind_to", SC_DB_FAILED);
	again = come(f, "romeo@here/phone");
	finish_one(f, "flow_behind_from", SC_DB_FAILED);
	is_bodies(juliet, "1", "2");
	is_quiet(again);
	flow_end(&f);
}

/* Without XEP-0198 at the recipient the kernel must have the bytes (custody_blind = socket). */
static void
test_blind(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# a recipient that does not acknowledge\n");
	count_handled(romeo);
	tiny.keep = true;
	read_only(juliet, 10);
	for (int i = 0; i < 3; i++)
		chat(romeo, "juliet@here", "x", "");
	run(f);
	is_handled(romeo, 0);
	chat(romeo, "juliet@here", "y", "");
	run(f);
	read_on(juliet);
	is_handled(romeo, 4);
	/* One whose link breaks first: the spool takes over the duty. */
	pause_statement(f, "flow_keep");
	read_only(juliet, 10);
	chat(romeo, "juliet@here", "a", "");
	run(f);
	chat(romeo, "juliet@here", "b", "");
	run(f);
	is_handled(romeo, 4);
	hang_up(juliet);
	run(f);
	is_text(tiny.kept, "a b", "both are kept");
	is_handled(romeo, 4);
	finish_all(f, "flow_keep", SC_DB_OK);
	is_handled(romeo, 6);
	flow_end(&f);
}

/* Own custody: a module hears what became of what it sent, on its own shard, once. */
static struct {
	int times, shard;
	bool safe;
} told;

static void
hear(void *arg, bool safe)
{
	(void)arg;
	told.times++;
	told.safe = safe;
	told.shard = shard_now();
}

static const char *send_to;

static void
send_one(void *arg)
{
	struct sc_arena *arena = NULL;
	struct sc_stanza *m = sc_stanza_new(SC_MESSAGE, SC_TYPE_CHAT, NULL, NULL, "m");

	(void)arg;
	arena = sc_stanza_arena(m);
	sc_set_from(m, sc_jid(arena, "here"));
	sc_set_to(m, sc_jid(arena, send_to));
	sc_add_with_text(m, sc_stanza_root(m), NULL, "body", "from a module");
	sc_send_with(&m, hear, NULL);
}

static void
test_own(void)
{
	struct flow *f = flow_start(.shards = 3);
	struct client *juliet;
	const char *jid = name_on(f, "juliet", 2);
	char full[64];

	printf("# a module's own\n");
	snprintf(full, sizeof full, "%s/x", jid);
	juliet = come(f, full);
	send_to = jid;
	told.times = 0;
	read_only(juliet, 0);
	on_shard(f, 0, send_one, NULL);
	run(f);
	is_int(told.times, 0, "not yet");
	read_on(juliet);
	is_int(told.times, 1, "told once");
	ok(told.safe && told.shard == 0, "safe, on its own shard");
	send_to = "nobody@here";
	on_shard(f, 1, send_one, NULL);
	run(f);
	is_int(told.times, 2, "told again");
	ok(!told.safe && told.shard == 1, "not safe");
	flow_end(&f);
}

/* --- with XEP-0198 on both sides --- */

static void
sm_on(void *arg)
{
	sm_enable(session_of(arg), true, 0);
}

static struct {
	struct client *client;
	uint32_t h;
	bool fine;
} ack;

static void
ack_now(void *arg)
{
	(void)arg;
	ack.fine = sm_acked(session_of(ack.client), ack.h);
	session_drained(session_of(ack.client));
}

static bool
acks(struct flow *f, struct client *c, uint32_t h)
{
	ack.client = c;
	ack.h = h;
	on_shard(f, home_shard(c), ack_now, NULL);
	run(f);
	return ack.fine;
}

static void
test_acknowledged(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# acknowledged\n");
	count_handled(romeo);
	on_shard(f, home_shard(juliet), sm_on, juliet);
	chat(romeo, "juliet@here", "1", "");
	chat(romeo, "juliet@here", "2", "");
	chat(romeo, "juliet@here", "3", "");
	run(f);
	is_bodies(juliet, "1", "2", "3");
	is_handled(romeo, 0);
	ok(acks(f, juliet, 2), "she has two");
	is_handled(romeo, 2);
	ok(!acks(f, juliet, 4), "she cannot have four");
	ok(acks(f, juliet, 1), "one is nothing new");
	is_handled(romeo, 2);
	ok(acks(f, juliet, 3), "three");
	is_handled(romeo, 3);
	flow_end(&f);
}

/* She sleeps, and never comes back: what she has not acknowledged is kept, in order, and romeo's
 * stanzas are done when it is. */
static void
test_sleep(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# asleep\n");
	tiny.keep = true;
	count_handled(romeo);
	on_shard(f, home_shard(juliet), sm_on, juliet);
	chat(romeo, "juliet@here", "1", "");
	chat(romeo, "juliet@here", "2", "");
	run(f);
	ok(acks(f, juliet, 1), "she has one");
	hang_up(juliet);
	run(f);
	is_text(tiny.trace, "", "she is asleep, not gone");
	is_int(counted(f, STAT_sessions_asleep_now), 1, "one is asleep");
	chat(romeo, "juliet@here/balcony", "3", "");
	run(f);
	is_handled(romeo, 1);
	is_text(tiny.kept, "", "nobody keeps rows here, so nothing is kept yet");
	pass_time(f, 601000);
	is_text(tiny.trace, "gone juliet@here/balcony, idle juliet@here",
		"after ten minutes she is");
	is_text(tiny.kept, "2 3", "what she had not acknowledged");
	is_handled(romeo, 3);
	is_int(counted(f, STAT_sessions_asleep_now), 0, "nobody is asleep");
	flow_end(&f);
}

/* A link whose client says nothing when asked is dead; not so when it is us who do not read. */
static void
test_silent(bool paused)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# silent%s\n", paused ? ", because we do not read" : "");
	tiny.keep = true;
	on_shard(f, home_shard(juliet), sm_on, juliet);
	if (paused) {
		pause_statement(f, "flow_hold_from");
		for (int i = 0; i < 20; i++)
			chat(juliet, "romeo@here", "x", i == 0 ? HOLD_FROM : "");
		run(f);
		ok(is_paused(juliet), "paused");
	}
	chat(romeo, "juliet@here", "1", "");
	run(f);
	pass_time(f, 59000);
	ok(session_of(juliet) != NULL, "she has a minute");
	pass_time(f, 2000);
	ok((session_of(juliet) != NULL) == paused, "and then the link is %s",
		paused ? "still there" : "dead");
	is_int(counted(f, STAT_sessions_asleep_now), !paused, "asleep");
	if (paused) {
		finish_one(f, "flow_hold_from", SC_DB_OK);
		pass_time(f, 61000);
		is_int(counted(f, STAT_sessions_asleep_now), 1,
			"asleep when she was read and has said nothing");
	}
	flow_end(&f);
}

/* One of two devices has it, the other dies with it unread: nothing is kept or repeated. When both
 * die it is kept, once. */
static void
test_two_devices(bool both_die)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"), *a = come(f, "juliet@here/a"),
		*b = come(f, "juliet@here/b");

	printf("# two devices, %s\n", both_die ? "both die" : "one dies");
	tiny.keep = true;
	count_handled(romeo);
	read_only(a, 0);
	if (both_die)
		read_only(b, 0);
	chat(romeo, "juliet@here", "1", "");
	run(f);
	chat(romeo, "juliet@here", "2", "");
	run(f);
	is_handled(romeo, 0);
	hang_up(a);
	run(f);
	if (both_die)
		hang_up(b);
	run(f);
	is_handled(romeo, 2);
	is_text(tiny.kept, both_die ? "1 2" : "", "kept");
	if (!both_die)
		is_bodies(b, "1", "2");
	flow_end(&f);
}

/* Four shards at once, everything behind something: every number comes home. */
static void
test_freely(void)
{
	enum { N = 6, EACH = 100 };
	struct flow *f = flow_start(.shards = 4);
	struct client *c[N];
	char jid[64];
	bool all = true;

	printf("# four shards at the same time\n");
	for (int i = 0; i < N; i++) {
		snprintf(jid, sizeof jid, "c%d@here/x", i);
		c[i] = come(f, jid);
		count_handled(c[i]);
	}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < EACH; k++) {
			snprintf(jid, sizeof jid, "c%d@here", (i + k) % N);
			chat(c[i], jid, "x", k % 5 == 0 ? HOLD_FROM : k % 5 == 1 ? BEHIND_FROM
				: k % 5 == 2 ? HOLD_TO : k % 5 == 3 ? BEHIND_TO : "");
		}
	run_freely(f, 300);
	for (int i = 0; i < N; i++)
		all = all && handled(c[i]) == EACH;
	ok(all, "all are handled");
	flow_end(&f);
}

int
main(void)
{
	test_prefix(1);
	test_prefix(3);
	test_refused();
	test_behind_a_gone_stream();
	test_blind();
	test_own();
	test_acknowledged();
	test_sleep();
	test_silent(false);
	test_silent(true);
	test_two_devices(false);
	test_two_devices(true);
	test_freely();
	return done_testing();
}
