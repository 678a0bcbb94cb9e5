/* SPDX-License-Identifier: MIT */
/* A before B (design §5 Order): within a stream, for a pair of JIDs, over shards and loads, to the
 * end of the stream. */
#include "config.h"

#include "../unit/tap.h"
#include "base/stats.h"
#include "core/route.h"
#include "flow.h"

#define HOLD_FROM "<hold-from xmlns='urn:flow'/>"
#define HOLD_TO "<hold-to xmlns='urn:flow'/>"

static void
chat(struct client *from, const char *to, const char *body, const char *more)
{
	feed(from, "<message to='%s' type='chat'><body>%s</body>%s</message>", to, body, more);
}

static void
ask(struct client *from, const char *type, const char *id, const char *what)
{
	feed(from, "<iq type='%s' id='%s'><%s xmlns='urn:flow'/></iq>", type, id, what);
}

/* What a stream sends waits behind the stanza that is held, whomever it is for. */
static void
test_stream(int shards)
{
	struct flow *f = flow_start(.shards = shards);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony"), *nurse = come(f, "nurse@here/hall");

	printf("# order within a stream, %d shards\n", shards);
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@here", "1", HOLD_FROM);
	chat(romeo, "juliet@here", "2", "");
	chat(romeo, "nurse@here", "3", "");
	chat(romeo, "juliet@here", "4", HOLD_FROM);
	chat(romeo, "juliet@here", "5", "");
	run(f);
	is_quiet(juliet);
	is_quiet(nurse);
	chat(nurse, "juliet@here", "n", "");
	run(f);
	is_seen(juliet, "n");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(juliet, "1", "2");
	is_seen(nurse, "3");
	finish_one(f, "flow_hold_from", SC_DB_FAILED);
	is_seen(juliet, "5");
	is_seen(romeo, "error internal-server-error");
	flow_end(&f);
}

/* A wait at the recipient is the pair's: what others send, and what he sends to others, goes on. */
static void
test_pair(int shards)
{
	struct flow *f = flow_start(.shards = shards);
	struct client *romeo = come(f, "romeo@here/orchard"), *phone = come(f, "romeo@here/phone");
	struct client *juliet = come(f, "juliet@here/balcony"), *nurse = come(f, "nurse@here/hall");

	printf("# order of a pair, %d shards\n", shards);
	pause_statement(f, "flow_hold_to");
	chat(romeo, "juliet@here", "1", HOLD_TO);
	chat(romeo, "juliet@here/balcony", "2", "");
	run(f);
	chat(phone, "juliet@here", "3", HOLD_TO);
	chat(romeo, "nurse@here", "4", "");
	chat(nurse, "juliet@here", "5", "");
	chat(juliet, "romeo@here/phone", "6", "");
	run(f);
	is_seen(juliet, "5");
	is_seen(nurse, "4");
	is_seen(phone, "6");
	is_int(counted(f, STAT_lanes_now), 1, "one lane");
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_int(counted(f, STAT_lanes_now), 1, "it is there while the next one waits");
	chat(romeo, "juliet@here", "7", "");
	run(f);
	is_seen(juliet, "1", "2");
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_seen(juliet, "3", "7");
	is_int(counted(f, STAT_lanes_now), 0, "and no longer");
	flow_end(&f);
}

/* IQ results and errors wait for nobody: whoever holds a lane may be waiting for one. */
static void
test_results_pass(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# results pass lanes\n");
	pause_statement(f, "flow_hold_from");
	pause_statement(f, "flow_hold_to");
	chat(romeo, "juliet@here", "1", HOLD_FROM);
	chat(romeo, "juliet@here", "2", "");
	feed(romeo, "<iq type='result' id='r' to='juliet@here/balcony'/>");
	feed(romeo, "<iq type='error' id='e' to='juliet@here/balcony'><error type='cancel'>"
		"<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
	run(f);
	is_seen(juliet, "result r", "error e gone");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(juliet, "1", "2");

	chat(romeo, "juliet@here", "3", HOLD_TO);
	chat(romeo, "juliet@here", "4", "");
	feed(romeo, "<iq type='result' id='r2' to='juliet@here/balcony'/>");
	run(f);
	is_seen(juliet, "result r2");
	/* One that is itself held makes no lane, and nobody waits behind it. */
	feed(romeo, "<iq type='result' id='r3' to='juliet@here/balcony'>" HOLD_TO "</iq>");
	chat(romeo, "juliet@here", "5", "");
	run(f);
	is_int(counted(f, STAT_lanes_now), 1, "still one lane");
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_seen(juliet, "3", "4", "5");
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_seen(juliet, "result r3");
	flow_end(&f);
}

/* A result that is for nobody ends quietly, whether the lane stands still or not. */
static void
test_result_for_nobody(void)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard");

	printf("# a result without `to`\n");
	pause_statement(f, "flow_hold_from");
	feed(romeo, "<iq type='result' id='r'/>");
	chat(romeo, "romeo@here", "1", HOLD_FROM);
	feed(romeo, "<iq type='result' id='r'/>");
	feed(romeo, "<iq type='error' id='e'/>");
	run(f);
	is_quiet(romeo);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(romeo, "1");
	flow_end(&f);
}

/* An IQ that holds stops its stream, one that detaches does not, unless it sets something. */
static void
test_detach(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# detach\n");
	pause_statement(f, "flow_ask");
	pause_statement(f, "flow_read");
	ask(romeo, "get", "a", "ask");
	chat(romeo, "juliet@here", "1", "");
	run(f);
	is_quiet(juliet);
	finish_one(f, "flow_ask", SC_DB_OK);
	is_seen(romeo, "result a");
	is_seen(juliet, "1");

	ask(romeo, "get", "r1", "read");
	chat(romeo, "juliet@here", "2", "");
	ask(romeo, "get", "r2", "read");
	ask(romeo, "get", "n", "now");
	ask(romeo, "set", "r3", "read");
	chat(romeo, "juliet@here", "3", "");
	run(f);
	is_seen(juliet, "2");
	is_seen(romeo, "result n");
	is_int(waiting_for(f, "flow_read"), 3, "three read");
	finish_one(f, "flow_read", SC_DB_OK);
	finish_one(f, "flow_read", SC_DB_BUSY);
	is_seen(romeo, "result r1", "error r2 resource-constraint");
	is_quiet(juliet);
	finish_one(f, "flow_read", SC_DB_OK);
	is_seen(romeo, "result r3");
	is_seen(juliet, "3");

	/* The same to somebody else's account: the pair goes on. */
	feed(romeo, "<iq type='get' id='x' to='juliet@here'><read xmlns='urn:flow'/></iq>");
	chat(romeo, "juliet@here", "4", "");
	feed(romeo, "<iq type='get' id='y' to='juliet@here'><ask xmlns='urn:flow'/></iq>");
	chat(romeo, "juliet@here", "5", "");
	run(f);
	is_seen(juliet, "4");
	finish_one(f, "flow_ask", SC_DB_OK);
	is_seen(juliet, "5");
	finish_one(f, "flow_read", SC_DB_OK);
	is_seen(romeo, "result y", "result x");
	flow_end(&f);
}

/* What a detached stanza sends comes out even when several of them are let go in one call. */
static void
test_many_detached(void)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard");

	printf("# many detached\n");
	pause_statement(f, "flow_hold_from");
	pause_statement(f, "flow_read");
	chat(romeo, "romeo@here", "1", HOLD_FROM);
	for (int i = 0; i < 12; i++)
		ask(romeo, "get", "r", "read");
	run(f);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(romeo, "1");
	is_int(waiting_for(f, "flow_read"), 12, "twelve read at a time");
	hang_up(romeo);
	finish_all(f, "flow_read", SC_DB_OK);
	is_text(tiny.trace, "gone romeo@here/orchard, idle romeo@here",
		"the session ends while they read");
	is_int(tiny.answered, 0, "and nobody answers what nobody will hear");
	flow_end(&f);
}

/* A question dies with its stream; what changes something does not. */
static void
test_asker_gone(void)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard");

	printf("# the asker is gone\n");
	pause_statement(f, "flow_ask");
	ask(romeo, "get", "g", "ask");
	run(f);
	hang_up(romeo);
	finish_all(f, "flow_ask", SC_DB_OK);
	is_int(tiny.answered, 0, "a get");
	is_int(counted(f, STAT_held_now), 0, "and nothing waits for it");
	romeo = come(f, "romeo@here/orchard");
	ask(romeo, "set", "s", "ask");
	run(f);
	hang_up(romeo);
	finish_all(f, "flow_ask", SC_DB_OK);
	is_int(tiny.answered, 1, "a set");
	flow_end(&f);
}

/* An account is loaded when the first stanza comes; all that come meanwhile follow in order, of
 * each sender. */
static void
test_loading(int shards)
{
	struct flow *f = flow_start(.shards = shards);
	struct client *romeo = come(f, "romeo@here/orchard"), *nurse = come(f, "nurse@here/hall");

	printf("# loading, %d shards\n", shards);
	account(f, "juliet@here");
	tiny.keep = true;
	pause_statement(f, "account_load");
	chat(romeo, "juliet@here", "r1", "");
	chat(nurse, "juliet@here", "n1", "");
	run(f);
	chat(romeo, "juliet@here", "r2", "");
	chat(nurse, "juliet@here", "n2", "");
	run(f);
	is_int(waiting_for(f, "account_load"), 1, "one lookup");
	is_text(tiny.kept, "", "nothing yet");
	tiny.hold_loading = true;
	pause_statement(f, "flow_loading");
	finish_one(f, "account_load", SC_DB_OK);
	is_text(tiny.kept, "", "modules load");
	chat(romeo, "juliet@here", "r3", "");
	run(f);
	finish_one(f, "flow_loading", SC_DB_OK);
	is_text(tiny.kept, strcmp(tiny.kept, "n1 r1 n2 r2 r3") == 0 ? "n1 r1 n2 r2 r3"
		: "r1 n1 r2 n2 r3", "all of them, in order");
	flow_end(&f);
}

/* A lookup that fails refuses those who wait, and the next one tries again; so does one whose
 * modules cannot load. */
static void
test_loading_fails(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard");

	printf("# loading fails\n");
	account(f, "juliet@here");
	tiny.keep = true;
	pause_statement(f, "account_load");
	chat(romeo, "juliet@here", "1", "");
	chat(romeo, "juliet@here", "2", "");
	run(f);
	finish_one(f, "account_load", SC_DB_BUSY);
	is_seen(romeo, "error resource-constraint", "error resource-constraint");
	chat(romeo, "juliet@here", "3", "");
	run(f);
	tiny.hold_loading = true;
	pause_statement(f, "flow_loading");
	finish_one(f, "account_load", SC_DB_OK);
	finish_one(f, "flow_loading", SC_DB_FAILED);
	is_seen(romeo, "error resource-constraint");
	tiny.hold_loading = false;
	tiny.refuse_loading = true;
	chat(romeo, "juliet@here", "4", "");
	run(f);
	finish_one(f, "account_load", SC_DB_OK);
	is_seen(romeo, "error resource-constraint");
	tiny.refuse_loading = false;
	chat(romeo, "juliet@here", "5", "");
	run(f);
	finish_one(f, "account_load", SC_DB_OK);
	is_quiet(romeo);
	is_text(tiny.kept, "5", "the retry works");
	flow_end(&f);
}

/* That there is no such account is remembered for a minute, and no longer, however often it is
 * asked. */
static void
test_absent(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard");
	int before = asked(f, "account_load");

	printf("# no such account\n");
	chat(romeo, "mercutio@here", "1", "");
	chat(romeo, "mercutio@here", "2", "");
	feed(romeo, "<message to='mercutio@here' type='headline'><body>h</body></message>");
	feed(romeo, "<iq type='get' id='q' to='mercutio@here'><x xmlns='urn:x'/></iq>");
	feed(romeo, "<presence to='mercutio@here' type='probe' id='p'/>");
	run(f);
	is_seen(romeo, "error service-unavailable", "error service-unavailable",
		"error q service-unavailable", "mercutio@here unsubscribed");
	is_int(asked(f, "account_load") - before, 1, "one lookup");
	account(f, "mercutio@here");
	tiny.keep = true;
	for (int i = 0; i < 5; i++) {
		pass_time(f, 13000);
		chat(romeo, "mercutio@here", "again", "");
		run(f);
	}
	is_text(tiny.kept, "again", "after a minute it is asked anew");
	forget(romeo);
	flow_end(&f);
}

/* The end of a stream is the last item of its lane. */
static void
test_end_of_stream(int shards)
{
	struct flow *f = flow_start(.shards = shards);
	struct client *romeo, *juliet = come(f, "juliet@here/balcony");

	printf("# the end of a stream, %d shards\n", shards);
	tiny.watchers[0] = "juliet@here";
	romeo = come(f, "romeo@here/orchard");
	is_seen(juliet, "romeo@here/orchard available");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@here", "1", HOLD_FROM);
	chat(romeo, "juliet@here", "2", "");
	chat(romeo, "juliet@here", "3", HOLD_FROM);
	chat(romeo, "juliet@here", "4", "");
	run(f);
	hang_up(romeo);
	run(f);
	is_quiet(juliet);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(juliet, "1", "2");
	is_text(tiny.trace, "", "not gone yet");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(juliet, "3", "4", "romeo@here/orchard unavailable");
	is_text(tiny.trace, "gone romeo@here/orchard, idle romeo@here", "now it is");
	flow_end(&f);
}

/* What was sent waits at the recipient while the stream ends: unavailable follows it there too. */
static void
test_end_behind_lane(int shards)
{
	struct flow *f = flow_start(.shards = shards);
	struct client *romeo, *juliet = come(f, "juliet@here/balcony");

	printf("# unavailable stays behind in the pair's lane, %d shards\n", shards);
	tiny.watchers[0] = "juliet@here";
	romeo = come(f, "romeo@here/orchard");
	forget(juliet);
	pause_statement(f, "flow_hold_to");
	chat(romeo, "juliet@here", "1", HOLD_TO);
	chat(romeo, "juliet@here", "2", "");
	run(f);
	hang_up(romeo);
	run(f);
	is_quiet(juliet);
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_seen(juliet, "1", "2", "romeo@here/orchard unavailable");
	flow_end(&f);
}

/* A long lane, of stanzas that do not wait, is worked off in order and without the stack growing
 * with it. */
static void
test_long_lanes(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");
	char body[16];

	printf("# long lanes\n");
	pause_statement(f, "flow_hold_to");
	for (int i = 0; i < 500; i++) {
		snprintf(body, sizeof body, "%d", i);
		chat(romeo, "juliet@here", body, i == 0 ? HOLD_TO : "");
	}
	run(f);
	is_quiet(juliet);
	finish_one(f, "flow_hold_to", SC_DB_OK);
	ok(bodies_rise(juliet, 0, 500), "500 in order");
	flow_end(&f);
}

static void
set_limits(void *arg)
{
	(void)arg;
	route_limits = (struct route_limits){ .lane = 50, .loading = 60, .detached = 2 };
}

/* What waits has a limit, and beyond it the sender is told. The others keep their order. */
static void
test_limits(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"), *nurse = come(f, "nurse@here/hall"),
		*juliet = come(f, "juliet@here/balcony");
	char body[16];

	printf("# limits of what waits\n");
	on_shard(f, 0, set_limits, NULL);
	on_shard(f, 1, set_limits, NULL);
	pause_statement(f, "flow_hold_to");
	for (int i = 0; i < 53; i++) {
		snprintf(body, sizeof body, "%d", i);
		chat(romeo, "juliet@here", body, i == 0 ? HOLD_TO : "");
	}
	run(f);
	is_seen(romeo, "error resource-constraint", "error resource-constraint");
	chat(nurse, "juliet@here", "n", "");
	run(f);
	is_bodies(juliet, "n");
	finish_one(f, "flow_hold_to", SC_DB_OK);
	ok(bodies_rise(juliet, 0, 51), "51 arrive");

	account(f, "tybalt@here");
	pause_statement(f, "account_load");
	tiny.keep = true;
	for (int i = 0; i < 40; i++) {
		chat(romeo, "tybalt@here", "t", "");
		chat(nurse, "tybalt@here", "t", "");
	}
	run(f);
	is_int(bodies_arrived(romeo) + bodies_arrived(nurse), 20,
		"20 are refused while he is loaded");
	unpause_statement(f, "account_load");
	is_int((int)strlen(tiny.kept), 60 * 2 - 1, "60 are kept");

	pause_statement(f, "flow_read");
	for (int i = 0; i < 3; i++)
		ask(romeo, "get", "r", "read");
	chat(romeo, "juliet@here", "held back", "");
	for (int i = 0; i < 4; i++)
		feed(nurse, "<iq type='get' id='r' to='juliet@here'><read xmlns='urn:flow'/></iq>");
	chat(nurse, "juliet@here", "held back too", "");
	run(f);
	is_quiet(juliet);
	is_int(waiting_for(f, "flow_read"), 3 + 3,
		"two read while their lanes go on, one does not");
	finish_all(f, "flow_read", SC_DB_OK);
	is_int(bodies_arrived(juliet), 2, "then the rest");
	is_seen(romeo, "result r", "result r", "result r");
	is_seen(nurse, "result r", "result r", "result r", "result r");
	flow_end(&f);
}

/* All shards at once: chaos for ThreadSanitizer, and the order holds all the same. */
static void
test_freely(void)
{
	enum { N = 8, EACH = 200 };
	struct flow *f = flow_start(.shards = 4);
	struct client *from[N], *to[N];
	char jid[64], body[16];
	bool fine = true;

	printf("# four shards at the same time\n");
	for (int i = 0; i < N; i++) {
		snprintf(jid, sizeof jid, "from%d@here/x", i);
		from[i] = come(f, jid);
		snprintf(jid, sizeof jid, "to%d@here/x", i);
		to[i] = come(f, jid);
	}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < EACH; k++) {
			snprintf(jid, sizeof jid, k % 3 == 0 ? "to%d@here/x" : "to%d@here", i);
			snprintf(body, sizeof body, "%d", k);
			chat(from[i], jid, body, k % 7 == 0 ? HOLD_FROM : k % 5 == 0
				? HOLD_TO : "");
		}
	run_freely(f, 400);
	for (int i = 0; i < N; i++)
		fine = bodies_rise(to[i], 0, EACH) && fine;
	ok(fine, "%d messages each, in order", EACH);
	flow_end(&f);
}

int
main(void)
{
	test_stream(1);
	test_stream(3);
	test_pair(1);
	test_pair(3);
	test_results_pass();
	test_result_for_nobody();
	test_detach();
	test_many_detached();
	test_asker_gone();
	test_loading(1);
	test_loading(4);
	test_loading_fails();
	test_absent();
	test_end_of_stream(1);
	test_end_of_stream(2);
	test_end_behind_lane(1);
	test_end_behind_lane(2);
	test_long_lanes();
	test_limits();
	test_freely();
	return done_testing();
}
