/* SPDX-License-Identifier: MIT */
/* Whole streams over a socket: login, the move home, binding, and the ways to end. */
#include "config.h"

#include "../unit/tap.h"
#include "base/budget.h"
#include "base/stats.h"
#include "flow.h"
#include "net/mailbox.h"

#define PLAIN "c2s = { require_tls = false; allow_plain_without_tls = true; };"
#define HEADER "<stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='%s' version='1.0'>"
#define BIND "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
	"<resource>%s</resource></bind></iq>"

static struct peer *
online(struct flow *f, const char *bare_jid, const char *resource)
{
	struct peer *p = connect_peer(f, 0);

	log_in(p, bare_jid);
	bind_peer(p, resource);
	say(p, "<presence/>");
	unhear(p);
	return p;
}

/* From any shard to the account's, with the unread bytes that a client in a hurry has sent. */
static void
test_move(void)
{
	struct flow *f = flow_start(.shards = 4, .conf = PLAIN);

	for (int home = 0; home < 4; home++) {
		const char *jid = name_on(f, "romeo", home);
		struct peer *p = connect_peer(f, 1);

		log_in(p, jid);
		say(p, HEADER BIND "<message to='%s/%d' type='chat'><body>to "
			"myself</body></message><presence/>", "here", "x", jid, home);
		is_heard(p, "<jid>");
		say(p, "<iq type='get' id='n'><now xmlns='urn:flow'/></iq>");
		is_heard(p, "id='n'");
	}
	is_int(counted(f, STAT_sessions_now), 4, "four sessions");
	flow_end(&f);
}

/* The account decides where a stream is at home, so its host is fixed by the login, with TLS or
 * without (reliability X9). */
static void
test_host_is_fixed(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p = connect_peer(f, 0);

	account(f, "romeo@there");
	log_in(p, "romeo@here");
	say(p, HEADER BIND, "there", "x");
	is_heard(p, "<not-authorized");
	ok(strstr(heard(p), "<jid>") == NULL, "nobody becomes somebody else by the second header");
	ok(is_closed(p), "closed");
	flow_end(&f);
}


/* A host that is taken out of the configuration: its streams are told, also one that is just on its
 * way home. */
static void
test_host_gone(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *here = online(f, "romeo@here", "x"), *unbound, *bound, *moving = NULL;
	const char *far = NULL;
	char name[32];

	printf("# the host is gone\n");
	unbound = connect_peer(f, 1);
	open_stream(unbound, "there");
	bound = connect_peer(f, 0);
	log_in(bound, "juliet@there");
	say(bound, HEADER BIND "<presence/>", "there", "x");
	is_heard(bound, "<jid>");
	/* One whose login succeeds on shard 0 while its home, shard 1, has taken the reload
	 * already. */
	for (int i = 0; far == NULL; i++) {
		snprintf(name, sizeof name, "nurse%d@there", i);
		if (shard_of(f, name) == 1)
			far = name;
	}
	moving = connect_peer(f, 0);
	drop_host_there(f, 1);
	ok(is_closed(unbound), "one that has not logged in");
	is_heard(unbound, "<host-gone");
	if (shard_of(f, "juliet@there") == 1)
		is_heard(bound, "<host-gone");
	account(f, far);
	open_stream(moving, "there");
	unhear(moving);
	say_plain(moving, far);
	is_heard(moving, "<host-gone");
	ok(is_closed(moving), "one on its way");
	drop_host_there(f, 0);
	is_heard(bound, "<host-gone");
	ok(is_closed(bound), "one that is bound");
	say(here, "<iq type='get' id='n'><now xmlns='urn:flow'/></iq>");
	is_heard(here, "id='n'");
	is_int(counted(f, STAT_streams_now), 1, "the others are gone");
	flow_end(&f);
}

/* Nothing is written to a stream before its bind is answered, though the session can be found
 * already. */
static void
test_quiet_until_bound(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p = connect_peer(f, 0);
	struct client *nurse = come(f, "nurse@here/hall");
	const char *result, *message;

	printf("# quiet until bound\n");
	log_in(p, "romeo@here");
	open_stream(p, "here");
	unhear(p);
	tiny.hold_bound = true;
	pause_statement(f, "flow_bound");
	say(p, BIND, "x");
	feed(nurse, "<message to='romeo@here/x' type='chat'><body>early</body></message>");
	run(f);
	is_text(heard(p), "", "nothing yet");
	finish_one(f, "flow_bound", SC_DB_OK);
	result = strstr(heard(p), "<jid>");
	message = strstr(heard(p), "early");
	ok(result != NULL && message != NULL && result < message,
		"the result, then what came meanwhile");
	tiny.hold_bound = false;
	flow_end(&f);
}

/* The same resource again, while the old session has something in work. */
static void
test_conflict_while_busy(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony");
	struct peer *old = online(f, "romeo@here", "x"), *new;

	printf("# conflict with a busy session\n");
	tiny.watchers[0] = "juliet@here";
	pause_statement(f, "flow_hold_from");
	say(old, "<message to='juliet@here' type='chat'><body>1</body><hold-from "
		"xmlns='urn:flow'/></message>"
		"<message to='juliet@here' type='chat'><body>2</body></message>");
	new = online(f, "romeo@here", "x");
	is_heard(old, "<conflict");
	ok(is_closed(old), "the old stream is closed");
	is_int(counted(f, STAT_sessions_now), 2, "one session of his is left");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_bodies(juliet, "1", "2");
	say(new, "<message to='juliet@here' type='chat'><body>3</body></message>");
	is_bodies(juliet, "3");
	flow_end(&f);
}

/* The same resource again, while the old bind waits for a module: the newer wins. */
static void
test_conflict_while_binding(bool then_refused)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *old = connect_peer(f, 0), *new = connect_peer(f, 1);

	printf("# conflict with a session that is binding\n");
	log_in(old, "romeo@here");
	open_stream(old, "here");
	log_in(new, "romeo@here");
	open_stream(new, "here");
	tiny.hold_bound = true;
	pause_statement(f, "flow_bound");
	say(old, BIND, "x");
	say(new, BIND, "x");
	is_heard(old, "<conflict");
	ok(is_closed(old), "the older is closed");
	is_int(waiting_for(f, "flow_bound"), 2, "both hooks wait");
	finish_one(f, "flow_bound", then_refused ? SC_DB_FAILED : SC_DB_OK);
	unhear(new);
	finish_one(f, "flow_bound", SC_DB_OK);
	is_heard(new, "<jid>");
	is_int(counted(f, STAT_sessions_now), 1, "one session");
	tiny.hold_bound = false;
	flow_end(&f);
}

/* The stream goes while its bind waits: for the account, and for a module. */
static void
test_gone_while_binding(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p = connect_peer(f, 0);

	printf("# gone while binding\n");
	log_in(p, "romeo@here");
	open_stream(p, "here");
	pause_statement(f, "account_load");
	say(p, BIND, "x");
	cut(p);
	run(f);
	unpause_statement(f, "account_load");
	is_int(counted(f, STAT_sessions_now), 0, "nobody");

	p = connect_peer(f, 0);
	log_in(p, "romeo@here");
	open_stream(p, "here");
	tiny.hold_bound = true;
	pause_statement(f, "flow_bound");
	say(p, BIND, "x");
	say_only(p, "</stream:stream>");
	cut(p);
	/* The link is dead, and a bind that is blocked does not read: only its time limit or a
	 * write would tell. */
	finish_one(f, "flow_bound", SC_DB_OK);
	run(f);
	is_int(counted(f, STAT_sessions_now), 0, "nobody");
	is_int(counted(f, STAT_streams_now), 0, "no stream");
	tiny.hold_bound = false;
	flow_end(&f);
}

/* Logging in has a time limit, and a bind that nobody answers is part of it. */
static void
test_login_takes_too_long(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *a = connect_peer(f, 0), *b = connect_peer(f, 1);

	printf("# logging in takes too long\n");
	log_in(b, "romeo@here");
	open_stream(b, "here");
	tiny.hold_bound = true;
	pause_statement(f, "flow_bound");
	say(b, BIND, "x");
	pass_time(f, 61000);
	is_heard(a, "<connection-timeout");
	is_heard(b, "<connection-timeout");
	finish_one(f, "flow_bound", SC_DB_OK);
	is_int(counted(f, STAT_sessions_now), 0, "nobody");
	tiny.hold_bound = false;
	flow_end(&f);
}

/* Scripts send and go: what they have sent is delivered, whatever stood still when they went. */
static void
test_send_and_go(bool goodbye)
{
	enum { N = 500 };
	static char all[N * 100];
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony");
	struct peer *p = online(f, "romeo@here", "x");
	int n = 0;

	printf("# send and go, %s goodbye\n", goodbye ? "with" : "without");
	pause_statement(f, "flow_hold_from");
	for (int i = 0; i < N; i++)
		n += snprintf(all + n, sizeof all - (size_t)n,
			"<message to='juliet@here' type='chat'><body>%d</body>%s</message>", i,
			i == 3 ? "<hold-from xmlns='urn:flow'/>" : "");
	say_only(p, "%s%s", all, goodbye ? "</stream:stream>" : "");
	cut(p);
	run(f);
	/* Something that is written to him shows that his socket is dead. */
	feed(juliet, "<message to='romeo@here/x' type='headline'><body>are you "
		"there?</body></message>");
	run(f);
	feed(juliet, "<message to='romeo@here/x' type='headline'><body>are you "
		"there?</body></message>");
	run(f);
	finish_one(f, "flow_hold_from", SC_DB_OK);
	ok(bodies_rise(juliet, 0, N), "all %d, in order", N);
	is_int(counted(f, STAT_sessions_now), 1, "he is gone");
	flow_end(&f);
}

/* A turn takes 32 stanzas of a stream: a flood does not keep the others waiting. */
static void
test_fair(void)
{
	struct flow *f = flow_start(.shards = 1, .conf = PLAIN);
	struct peer *flood = online(f, "romeo@here", "x"), *calm = online(f, "nurse@here", "x");
	struct client *juliet = come(f, "juliet@here/balcony");
	int seen_calm_after = -1, n;

	printf("# fairness\n");
	for (int i = 0; i < 120; i++)
		say_only(flood,
			"<message to='juliet@here' type='headline'><body>flood</body></message>");
	say_only(calm, "<message to='juliet@here' type='headline'><body>calm</body></message>");
	for (int i = 0, all = 0; i < 20 && seen_calm_after < 0; i++) {
		const char *got;

		turn(f, 0);
		got = bodies(juliet);
		n = 0;
		for (const char *at = got; (at = strstr(at, "flood")) != NULL; at++)
			n++;
		ok(n <= 32, "%d in a turn", n);
		all += n;
		if (strstr(got, "calm") != NULL)
			seen_calm_after = all;
	}
	ok(seen_calm_after >= 0 && seen_calm_after <= 64, "the calm one is served after %d",
		seen_calm_after);
	run(f);
	forget(juliet);
	flow_end(&f);
}

/* Two shards whose mailboxes to each other are full: neither reads sockets, both take letters, so
 * both go on. */
static void
test_two_full_shards(void)
{
	enum { N = 300 };
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	const char *a = name_on(f, "a", 0), *b = name_on(f, "b", 1);
	struct peer *pa, *pb;
	struct client *ca, *cb;
	char jid[80];
	int64_t choked;

	printf("# two full shards\n");
	pa = online(f, a, "x");
	pb = online(f, b, "x");
	snprintf(jid, sizeof jid, "%s/y", a);
	ca = come(f, jid);
	snprintf(jid, sizeof jid, "%s/y", b);
	cb = come(f, jid);
	mailbox_high(20000);
	for (int i = 0; i < N; i++) {
		say_only(pa, "<message to='%s/y' type='headline'><body>%d</body></message>", b, i);
		say_only(pb, "<message to='%s/y' type='headline'><body>%d</body></message>", a, i);
	}
	choked = counted(f, STAT_mailbox_choked);
	for (int i = 0; i < 3; i++)
		turn(f, 0);
	for (int i = 0; i < 3; i++)
		turn(f, 1);
	ok(counted(f, STAT_mailbox_choked) > choked, "a shard was choked");
	run(f);
	ok(bodies_rise(ca, 0, N), "all arrive at one");
	ok(bodies_rise(cb, 0, N), "and at the other");
	mailbox_high(8 << 20);
	flow_end(&f);
}

#define ENABLE "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
#define R "<r xmlns='urn:xmpp:sm:3'/>"

/* The id in <enabled/>. */
static void
sm_id(struct peer *p, char id[64])
{
	const char *at;

	unhear(p);
	say(p, ENABLE);
	at = strstr(heard(p), " id='");
	snprintf(id, 64, "%.*s", at != NULL ? (int)strcspn(at + 5, "'") : 0,
		at != NULL ? at + 5 : "");
	unhear(p);
}

static void
test_numbers(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p = online(f, "romeo@here", "x");

	printf("# every stanza has a number, also what the stream answers itself\n");
	say(p, ENABLE);
	unhear(p);
	say(p, "<iq type='set' id='s'><session "
		"xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>" R);
	is_heard(p, "h='1'");
	say(p, "<message to='@@'><body>nowhere</body></message>" R);
	is_heard(p, "h='2'");
	say(p, "<iq type='get'><now xmlns='urn:flow'/></iq><iq type='odd' id='o' to='here'><now "
		"xmlns='urn:flow'/></iq>" R);
	is_heard(p, "h='4'");
	say(p, BIND R, "y");
	is_heard(p, "h='5'");
	say(p, "<presence/><message to='nobody@here'><body>x</body></message>" R);
	is_heard(p, "h='7'");
	flow_end(&f);
}

/* The link is cut; the client comes back to its session on another shard's listener. */
static void
test_resume(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony");
	struct peer *p = online(f, "romeo@here", "x"), *q, *r;
	char id[64];

	printf("# resume\n");
	sm_id(p, id);
	feed(juliet, "<message to='romeo@here/x' type='chat'><body>one</body></message>");
	feed(juliet, "<message to='romeo@here/x' type='chat'><body>two</body></message>");
	run(f);
	is_heard(p, "two");
	cut(p);
	run(f);
	is_int(counted(f, STAT_sessions_asleep_now), 1, "asleep");
	feed(juliet, "<message to='romeo@here' type='chat'><body>three</body></message>");
	run(f);
	q = connect_peer(f, 1);
	log_in(q, "romeo@here");
	open_stream(q, "here");
	unhear(q);
	say(q, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='1'/>", id);
	is_heard(q, "<resumed");
	ok(strstr(heard(q), "one") == NULL, "what was acknowledged is not sent again");
	is_heard(q, "two");
	is_heard(q, "three");
	is_int(counted(f, STAT_sessions_asleep_now), 0, "awake");
	/* A second one takes it from the first, which lives. */
	r = connect_peer(f, 0);
	log_in(r, "romeo@here");
	open_stream(r, "here");
	unhear(r);
	say(r, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='3'/>", id);
	is_heard(r, "<resumed");
	is_heard(q, "<conflict");
	ok(is_closed(q), "the other stream is closed");
	feed(juliet, "<message to='romeo@here/x' type='chat'><body>four</body></message>");
	is_heard(r, "four");
	say(r, "<a xmlns='urn:xmpp:sm:3' h='4'/></stream:stream>");
	is_int(counted(f, STAT_sessions_now), 1, "a goodbye ends the session");
	flow_end(&f);
}

/* Resuming a session that is ending, or was never there, or with too high an h. */
static void
test_resume_refused(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p = online(f, "romeo@here", "x"), *q;
	char id[64];

	printf("# resume that is refused\n");
	sm_id(p, id);
	pause_statement(f, "flow_hold_from");
	say(p, "<message to='romeo@here' type='headline'><body>1</body><hold-from "
		"xmlns='urn:flow'/></message></stream:stream>");
	cut(p);
	run(f);
	is_int(counted(f, STAT_sessions_now), 1, "it is ending, and not gone");
	q = connect_peer(f, 0);
	log_in(q, "romeo@here");
	open_stream(q, "here");
	unhear(q);
	say(q, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", id);
	is_heard(q, "<item-not-found");
	say(q, "<resume xmlns='urn:xmpp:sm:3' previd='nonsense' h='0'/>");
	say(q, BIND, "x");
	is_heard(q, "<jid>");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	sm_id(q, id);
	cut(q);
	run(f);
	p = connect_peer(f, 1);
	log_in(p, "romeo@here");
	open_stream(p, "here");
	unhear(p);
	say(p, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='99'/>", id);
	is_heard(p, "<handled-count-too-high");
	ok(is_closed(p), "closed");
	is_int(counted(f, STAT_sessions_asleep_now), 0,
		"the session ends, or the client would come again with the same number");
	flow_end(&f);
}

/* A session that was paused when its link broke is not paused for ever, nor does it take without an
 * end. */
static void
test_resume_paused(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony");
	struct peer *p = online(f, "romeo@here", "x"), *q;
	char id[64];
	int64_t before;

	printf("# resume of a paused session\n");
	sm_id(p, id);
	pause_statement(f, "flow_hold_from");
	say(p, "<message to='juliet@here' type='chat'><body>0</body><hold-from "
		"xmlns='urn:flow'/></message>");
	for (int i = 1; i <= 30; i++)
		say_only(p, "<message to='juliet@here' type='chat'><body>%d</body></message>", i);
	run(f);
	drop_peer(f, "romeo@here", "x");
	is_int(counted(f, STAT_sessions_asleep_now), 1, "asleep");
	q = connect_peer(f, 0);
	log_in(q, "romeo@here");
	open_stream(q, "here");
	say(q, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", id);
	ok(strstr(heard(q), "<resumed") == NULL, "not before what was read is safe");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_heard(q, "<resumed");
	is_heard(q, "h='17'");
	/* The client sends again what was not acknowledged. Behind a held one the stream is paused,
	 * as the old one was. */
	before = counted(f, STAT_stanzas_in);
	for (int i = 17; i <= 60; i++)
		say_only(q, "<message to='juliet@here' type='chat'><body>%d</body>%s</message>", i,
			i == 17 ?
			"<hold-from xmlns='urn:flow'/>" : "");
	run(f);
	is_int(counted(f, STAT_stanzas_in) - before, 17, "what is read while it holds");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	ok(bodies_rise(juliet, 0, 61), "all arrive");
	flow_end(&f);
}

/* An account may have so many sessions; one that sleeps makes room for a new one, one that lives
 * does not. */
static void
test_max_sessions(void)
{
	struct flow *f = flow_start(.shards = 2,
		.conf = "c2s = { require_tls = false; allow_plain_without_tls = true; "
		"max_sessions = 2; };");
	struct peer *a = online(f, "romeo@here", "a"), *b = online(f, "romeo@here", "b"),
		*c = connect_peer(f, 0);
	char id[64];

	printf("# as many sessions as allowed\n");
	sm_id(a, id);
	log_in(c, "romeo@here");
	open_stream(c, "here");
	unhear(c);
	say(c, BIND, "c");
	is_heard(c, "<resource-constraint");
	unhear(c);
	cut(a);
	run(f);
	is_int(counted(f, STAT_sessions_asleep_now), 1, "a sleeps");
	say(c, BIND, "c");
	is_heard(c, "<jid>");
	is_int(counted(f, STAT_sessions_asleep_now), 0, "and is gone");
	is_int(counted(f, STAT_sessions_now), 2, "two");
	say(b, "<iq type='get' id='n'><now xmlns='urn:flow'/></iq>");
	is_heard(b, "id='n'");
	flow_end(&f);
}

/* Who asks for acknowledgements and never reads them gets a limit, not our memory. */
static void
test_questions_without_reading(void)
{
	struct flow *f = flow_start(.shards = 1, .conf = PLAIN);
	struct peer *p = online(f, "romeo@here", "x");
	static char many[200 * 26 + 1];
	char id[64];
	int64_t most = 0;

	printf("# questions without reading\n");
	sm_id(p, id);
	stop_reading(p);
	for (int i = 0; i < 200; i++)
		memcpy(many + 26 * i, R, 26);
	for (int i = 0; i < 100 && counted(f, STAT_streams_now) > 0; i++) {
		say(p, "%s", many);
		most = budget_sum(BUDGET_OUTQ) > most ? budget_sum(BUDGET_OUTQ) : most;
	}
	ok(most < 300000, "%lld bytes at the most", (long long)most);
	is_int(counted(f, STAT_streams_now), 0, "the stream was ended");
	is_int(counted(f, STAT_sessions_asleep_now), 1, "its session may be resumed");
	flow_end(&f);
}

/* Over the memory limit the largest go, until there is room; the others stay. */
static void
set_budget(void *arg)
{
	budget_init(*(uint64_t *)arg, 2);
}

static void
test_shedding(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony");
	struct peer *calm = online(f, "nurse@here", "x"), *deaf[6], *half;
	uint64_t limit = 3 << 20, none = UINT64_MAX;
	char jid[32];
	int closed = 0;

	printf("# shedding\n");
	for (int i = 0; i < 6; i++) {
		snprintf(jid, sizeof jid, "deaf%d@here", i);
		deaf[i] = online(f, jid, "x");
		stop_reading(deaf[i]);
	}
	half = online(f, "half@here", "x");
	say(half, "<message to='nurse@here'><body>%0200000d", 7);
	on_shard(f, 0, set_budget, &limit);
	for (int k = 0; k < 600; k++) {
		for (int i = 0; i < 6; i++)
			feed(juliet, "<message to='deaf%d@here' "
				"type='headline'><body>%01000d</body></message>", i, k);
		if (k % 20 == 0)
			pass_time(f, 25);
		if (budget_sum(BUDGET_OUTQ) + budget_sum(BUDGET_STANZAS) +
		    budget_sum(BUDGET_INPUT) > (int64_t)limit + (1 << 20)) {
			ok(false, "memory grows to %lld", (long long)(budget_sum(BUDGET_OUTQ) +
				budget_sum(BUDGET_STANZAS)));
			break;
		}
	}
	pass_time(f, 25);
	ok(counted(f, STAT_shed_queues) > 0, "%lld were ended",
		(long long)counted(f, STAT_shed_queues));
	on_shard(f, 0, set_budget, &none);
	run(f);
	for (int i = 0; i < 6; i++)
		closed += is_closed(deaf[i]);
	ok(closed > 0, "%d of those who do not read", closed);
	say(calm, "<iq type='get' id='n'><now xmlns='urn:flow'/></iq>");
	is_heard(calm, "id='n'");
	flow_end(&f);
}

int
main(void)
{
	test_move();
	test_host_is_fixed();
	test_host_gone();
	test_quiet_until_bound();
	test_conflict_while_busy();
	test_conflict_while_binding(false);
	test_conflict_while_binding(true);
	test_gone_while_binding();
	test_login_takes_too_long();
	test_send_and_go(true);
	test_send_and_go(false);
	test_fair();
	test_two_full_shards();
	test_numbers();
	test_resume();
	test_resume_refused();
	test_resume_paused();
	test_max_sessions();
	test_questions_without_reading();
	test_shedding();
	return done_testing();
}
