/* SPDX-License-Identifier: MIT */
/* The life of a session and the queue of what goes out: ends in every state, slow readers, what is
 * left unread. */
#include "config.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "base/log.h"
#include "base/stats.h"
#include "core/entity.h"
#include "core/session.h"
#include "core/shard.h"
#include "flow.h"

#define HOLD_FROM "<hold-from xmlns='urn:flow'/>"
#define BEHIND_FROM "<behind-from xmlns='urn:flow'/>"
#define HOLD_TO "<hold-to xmlns='urn:flow'/>"

static void
chat(struct client *from, const char *to, const char *body, const char *more)
{
	feed(from, "<message to='%s' type='chat'><body>%s</body>%s</message>", to, body, more);
}

static void
chats(struct client *from, const char *to, int first, int n)
{
	char body[16];

	for (int i = first; i < first + n; i++) {
		snprintf(body, sizeof body, "%d", i);
		chat(from, to, body, "");
	}
}

/* A stream that has ended while something of it is in work gets nothing any more: its messages look
 * for another way. */
static void
test_ending_gets_nothing(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"), *nurse = come(f, "nurse@here/hall"),
		*phone;

	printf("# an ending session gets nothing\n");
	tiny.keep = true;
	pause_statement(f, "flow_hold_from");
	chat(romeo, "nurse@here", "1", HOLD_FROM);
	run(f);
	hang_up(romeo);
	chat(nurse, "romeo@here/orchard", "a", "");
	chat(nurse, "romeo@here", "b", "");
	run(f);
	is_text(tiny.kept, "a b", "kept");
	feed(nurse, "<iq type='get' id='q' to='romeo@here/orchard'><x xmlns='urn:x'/></iq>");
	run(f);
	is_seen(nurse, "error q service-unavailable");
	phone = come(f, "romeo@here/phone");
	chat(nurse, "romeo@here/orchard", "c", "");
	run(f);
	is_bodies(phone, "c");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_bodies(nurse, "1");
	flow_end(&f);
}

/* The session ends while its continuation runs, and by it. */
static void
test_ends_in_its_own_hook(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# a session that is closed by its own stanza\n");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "romeo@here", "1", HOLD_FROM "<close xmlns='urn:flow'/>");
	chat(romeo, "juliet@here", "2", "");
	run(f);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_text(closed_with(romeo), "reset", "closed");
	is_bodies(juliet, "2");
	is_text(tiny.trace, "gone romeo@here/orchard, idle romeo@here", "gone, once");
	flow_end(&f);
}

/* A message for all, one of whom is closed by it: the others get it. So it is when a module walks
 * over the sessions and closes them. */
static void
test_closed_in_a_loop(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *a = come(f, "romeo@here/a"), *b = come(f, "romeo@here/b"),
		*c = come(f, "romeo@here/c"), *d;
	struct client *juliet = come(f, "juliet@here/balcony");

	printf("# sessions closed in a loop over them\n");
	chat(juliet, "romeo@here", "1", "<close xmlns='urn:flow'/>");
	run(f);
	is_text(closed_with(a), "reset", "a is closed");
	is_text(closed_with(b), "reset", "b is closed");
	is_text(closed_with(c), "reset", "c is closed");
	is_text(tiny.trace, "gone romeo@here/a, gone romeo@here/b, gone romeo@here/c, idle "
		"romeo@here", "all are gone");
	a = come(f, "romeo@here/a");
	b = come(f, "romeo@here/b");
	c = come(f, "romeo@here/c");
	tiny.close_others = true;
	d = come(f, "romeo@here/d");
	is_text(closed_with(a), "reset", "a is closed by d");
	is_text(closed_with(c), "reset", "c is closed by d");
	is_int(counted(f, STAT_sessions_now), 2, "d and juliet are left");
	chat(juliet, "romeo@here", "2", "");
	run(f);
	is_bodies(d, "2");
	flow_end(&f);
}

/* The same resource again: the new session is there at once, what the old one had in work goes
 * on. */
static void
test_replaced(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *old, *new, *juliet = come(f, "juliet@here/balcony");

	printf("# replaced\n");
	tiny.watchers[0] = "juliet@here";
	old = come(f, "romeo@here/orchard");
	pause_statement(f, "flow_hold_from");
	chat(old, "juliet@here", "1", HOLD_FROM);
	chat(old, "juliet@here", "2", "");
	feed(old, "<presence/>");
	run(f);
	forget(juliet);
	new = come(f, "romeo@here/orchard");
	is_text(closed_with(old), "conflict", "the old one is told");
	is_seen(juliet, "romeo@here/orchard unavailable", "romeo@here/orchard available");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(juliet, "1", "2");
	chat(juliet, "romeo@here/orchard", "3", "");
	run(f);
	is_bodies(new, "3");
	flow_end(&f);
}

/* After so many stanzas behind a held one the socket is not read, and then it is again. */
static void
test_pause(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# pause\n");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@here", "0", HOLD_FROM);
	chats(romeo, "juliet@here", 1, 100);
	run(f);
	ok(is_paused(romeo), "paused");
	is_int(inbox_of(romeo), 16, "16 wait");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	ok(!is_paused(romeo), "reads again");
	ok(bodies_rise(juliet, 0, 101), "all in order");
	/* A stream that ends while it is paused. */
	chat(romeo, "juliet@here", "0", HOLD_FROM);
	chats(romeo, "juliet@here", 1, 16);
	run(f);
	hang_up(romeo);
	finish_one(f, "flow_hold_from", SC_DB_FAILED);
	ok(bodies_rise(juliet, 1, 16), "what was read arrives");
	flow_end(&f);
}

/* Many that wait for nothing, behind one that does: the stack does not grow with them. */
static void
test_no_recursion(void)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# no recursion\n");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@here", "0", HOLD_FROM "<depth xmlns='urn:flow'/>");
	for (int i = 1; i <= 15; i++)
		chat(romeo, "juliet@here", "x", "<depth xmlns='urn:flow'/>");
	run(f);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_int(bodies_arrived(juliet), 16, "all");
	is_int(tiny.depths, 16, "all were measured");
	ok(tiny.deepest - tiny.shallowest < 4096, "the stack grows by %zu bytes", tiny.deepest -
		tiny.shallowest);
	flow_end(&f);
}

/* --- slow readers --- */

static void
set_limits(void *arg)
{
	const struct session_limits *l = arg;

	session_limits = *l;
}

static void
limits(struct flow *f, int shards, uint32_t items, size_t bytes)
{
	struct session_limits l = { .outq_items = items, .outq_bytes = bytes, .inbox = 16,
		.window = 64, .stuck_ms = 60000 };

	for (int i = 0; i < shards; i++)
		on_shard(f, i, set_limits, &l);
}

static void
check_stuck(void *arg)
{
	(void)arg;
	session_check_stuck();
}

/* A full queue: messages go to the fallback until it has come down; a newer presence replaces an
 * unsent one. */
static void
test_full(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# a full queue\n");
	limits(f, 2, 100, 1 << 20);
	tiny.keep = true;
	read_only(juliet, 0);
	chat(romeo, "juliet@here", "written", "");
	run(f);
	chats(romeo, "juliet@here", 0, 101);
	run(f);
	is_text(tiny.kept, "", "not full yet");
	chat(romeo, "juliet@here/balcony", "kept1", "");
	chat(romeo, "juliet@here", "kept2", "");
	feed(romeo, "<message to='juliet@here' type='headline'><body>news</body></message>");
	for (int i = 0; i < 50; i++)
		feed(romeo, "<presence to='juliet@here/balcony'><status>%d</status></presence>", i);
	feed(romeo, "<presence type='unavailable' to='juliet@here/balcony'/>");
	run(f);
	is_text(tiny.kept, "kept1 kept2", "full: kept");
	is_int(queued(juliet), 103, "101 messages, a headline and one presence");
	read_on(juliet);
	is_int(bodies_arrived(juliet), 103, "all arrive");
	chat(romeo, "juliet@here", "direct", "");
	run(f);
	is_bodies(juliet, "direct");
	flow_end(&f);
}

/* What cannot be kept must not grow without an end: beyond twice the limit the session ends, at
 * once. */
static void
test_flood_of_what_is_not_kept(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# headlines for one who does not read\n");
	limits(f, 2, 1000, 65536);
	tiny.keep = true;
	read_only(juliet, 0);
	chat(romeo, "juliet@here", "written", "");
	chat(romeo, "juliet@here", "unread", "");
	run(f);
	for (int i = 0; i < 2000 && closed_with(juliet) == NULL; i++) {
		feed(romeo, "<message to='juliet@here' "
			"type='headline'><body>%0200d</body></message>", i);
		if (i % 32 == 0)
			run(f);
		if (session_of(juliet) != NULL && session_of(juliet)->outq.bytes > 200000) {
			ok(false, "the queue grows: %zu", session_of(juliet)->outq.bytes);
			break;
		}
	}
	run(f);
	is_text(closed_with(juliet), "policy-violation", "closed");
	is_text(tiny.kept, "written unread", "her messages are kept");
	flow_end(&f);
}

static void
sm_on(void *client)
{
	sm_enable(session_of(client), true, 0);
}

/* A queue that was over its limit and does not move for a minute ends the session; one that may be
 * resumed sleeps. */
static void
test_stuck(bool resumable)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# stuck%s\n", resumable ? ", resumable" : "");
	limits(f, 1, 100, 1 << 20);
	if (resumable)
		on_shard(f, 0, sm_on, juliet);
	tiny.keep = true;
	read_only(juliet, 0);
	for (int i = 0; i < 120; i++)
		feed(romeo, "<message to='juliet@here' type='headline'><body>%d</body></message>",
			i);
	run(f);
	pass_time(f, 59000);
	on_shard(f, 0, check_stuck, NULL);
	run(f);
	ok(session_of(juliet) != NULL, "not yet");
	pass_time(f, 2000);
	on_shard(f, 0, check_stuck, NULL);
	run(f);
	is_int(counted(f, STAT_sessions_now), resumable ? 2 : 1, "after a minute");
	is_int(counted(f, STAT_sessions_asleep_now), resumable ? 1 : 0, "asleep");
	is_text(closed_with(juliet) != NULL ? closed_with(juliet) : "",
		resumable ? "" : "policy-violation", "told");
	flow_end(&f);
}

/* --- what is left unread --- */

/* Unsent messages of a session that ends go on, in order: to another session, or to whoever keeps
 * them. */
static void
test_unread(bool another)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony"), *phone = NULL;

	printf("# unread at the end, %s session\n", another ? "another" : "no other");
	tiny.keep = true;
	read_only(juliet, 0);
	chat(romeo, "juliet@here/balcony", "0", "");
	run(f);
	chat(romeo, "juliet@here/balcony", "1", "");
	feed(romeo, "<message to='juliet@here/balcony' type='headline'><body>h</body></message>");
	feed(romeo, "<message to='juliet@here/balcony'><body>2</body></message>");
	feed(romeo, "<presence to='juliet@here/balcony'/>");
	chat(romeo, "juliet@here/balcony", "3", "");
	run(f);
	if (another)
		phone = come(f, "juliet@here/phone");
	hang_up(juliet);
	run(f);
	if (another) {
		is_bodies(phone, "0", "1", "3");
		is_text(tiny.kept, "", "nothing to keep");
		is_bodies(romeo, "error service-unavailable");
	} else {
		is_text(tiny.kept, "0 1 3", "kept in order");
	}
	flow_end(&f);
}

/* Bytes that the connection had taken and the kernel had not: the message that is cut in the middle
 * goes on too, the one before not. */
static void
test_unread_in_connection(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# cut in the middle\n");
	tiny.keep = true;
	read_only(juliet, 300);
	for (int i = 0; i < 4; i++)
		feed(romeo, "<message to='juliet@here' type='chat'><body>%d</body><x "
			"xmlns='urn:long'>%0100d</x></message>", i, i);
	run(f);
	chat(romeo, "juliet@here", "4", "");
	run(f);
	hang_up(juliet);
	run(f);
	is_text(tiny.kept, "1 2 3 4", "from the one that was cut on");
	is_bodies(juliet, "0");
	flow_end(&f);
}

/* A session that drains gets nothing newer: that is for the fallback, also by its full JID. Other
 * accounts are not concerned. */
static void
set_draining(void *arg)
{
	sc_session_draining(session_of(arg), true);
}

static void
set_drained(void *arg)
{
	sc_session_draining(session_of(arg), false);
}

static void
test_draining(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony"), *phone = come(f, "juliet@here/phone");

	printf("# draining\n");
	tiny.keep = true;
	on_shard(f, home_shard(juliet), set_draining, juliet);
	on_shard(f, home_shard(juliet), set_draining, juliet);
	chat(romeo, "juliet@here", "1", "");
	chat(romeo, "juliet@here/balcony", "2", "");
	chat(romeo, "juliet@here/phone", "3", "");
	feed(romeo, "<message to='juliet@here/nowhere'><body>bounced</body></message>");
	feed(romeo, "<message to='juliet@here' type='headline'><body>h</body></message>");
	run(f);
	is_text(tiny.kept, "1 2", "kept");
	is_seen(romeo, "error service-unavailable");
	is_bodies(phone, "3", "h");
	is_bodies(juliet, "h");
	on_shard(f, home_shard(juliet), set_drained, juliet);
	chat(romeo, "juliet@here", "4", "");
	run(f);
	is_text(tiny.kept, "1 2 4", "twice begun, once ended");
	hang_up(juliet);
	chat(romeo, "juliet@here", "5", "");
	run(f);
	is_bodies(phone, "5");
	flow_end(&f);
}

#ifdef ENABLE_DEBUG
struct trespass {
	struct sc_entity *entity;
	int signal;
};

/* In a child of this shard's thread, since it dies of it. */
static void
touch(void *arg)
{
	struct trespass *t = arg;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		entity_ref(t->entity);
		_exit(0);
	}
	waitpid(child, &status, 0);
	t->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Debug builds (design §4): an entity of another shard must not be touched. */
static void
test_foreign_shard(void)
{
	struct flow *f = flow_start(.shards = 2);
	const char *jid = name_on(f, "romeo", 1);
	char full[100];
	struct client *romeo;
	struct trespass at_home, abroad;

	snprintf(full, sizeof full, "%s/orchard", jid);
	romeo = come(f, full);
	printf("# an entity is touched\n");
	at_home = abroad = (struct trespass){ .entity = session_of(romeo)->entity };
	on_shard(f, 1, touch, &at_home);
	is_int(at_home.signal, 0, "at home");
	on_shard(f, 0, touch, &abroad);
	is_int(abroad.signal, SIGABRT, "from another shard: a panic");
	flow_end(&f);
}
#else
static void
test_foreign_shard(void)
{
	printf("# an entity is touched: only debug builds look\n");
}
#endif

/* The log and the report of a crash name who and what, and nothing that people wrote. */
static void
test_about(void)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard");

	printf("# about\n");
	chat(romeo, "juliet@here/balcony", "secret", "<describe xmlns='urn:flow'><x>secret</x>"
		"<y a='secret'/></describe>");
	run(f);
	is_text(tiny.about, "id romeo@here/orchard", "a log line");
	is_text(tiny.crash, "module tiny, message type 1 from='romeo@here/orchard' "
		"to='juliet@here/balcony' <body> <describe <x> <y>>", "the report of a crash");
	log_describe_crash(tiny.crash, sizeof tiny.crash);
	is_text(tiny.crash, "none", "between two turns there is none");
	is_seen(romeo, "error service-unavailable");
	flow_end(&f);
}

int
main(void)
{
	test_about();
	test_foreign_shard();
	test_ending_gets_nothing();
	test_ends_in_its_own_hook();
	test_closed_in_a_loop();
	test_replaced();
	test_pause();
	test_no_recursion();
	test_full();
	test_flood_of_what_is_not_kept();
	test_stuck(false);
	test_stuck(true);
	test_unread(false);
	test_unread(true);
	test_unread_in_connection();
	test_draining();
	return done_testing();
}
