/* SPDX-License-Identifier: MIT */
/* A login in one answer (XEP-0388, 0386): what happens when a step of it waits, fails, or its
 * client goes meanwhile. */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include "../unit/tap.h"
#include "base/stats.h"
#include "flow.h"

#define PLAIN "c2s = { require_tls = false; allow_plain_without_tls = true; };"
#define AGENT "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
#define BIND "<bind xmlns='urn:xmpp:bind:0'><tag>t</tag></bind>"
#define BIND_SM "<bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>"

/* <authenticate/> with what else is asked for, and what follows it in the same write. */
static void
authenticate(struct peer *p, const char *jid, const char *asked, const char *after)
{
	char plain[128], base64[256];
	int n = snprintf(plain, sizeof plain, "%c%.*s%csecret", 0, (int)strcspn(jid, "@"), jid, 0);

	EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)plain, n);
	say(p, "<authenticate xmlns='urn:xmpp:sasl:2' "
		"mechanism='PLAIN'><initial-response>%s</initial-response>%s</authenticate>%s",
		base64, asked, after);
}

static struct peer *
begin(struct flow *f, int shard, const char *jid, const char *asked, const char *after)
{
	struct peer *p = connect_peer(f, shard);

	open_stream(p, "here");
	unhear(p);
	authenticate(p, jid, asked, after);
	return p;
}

static bool
hears(struct peer *p, const char *part)
{
	return strstr(heard(p), part) != NULL;
}

/* From any shard to any, with unread bytes; the answers come in order. */
static void
test_move(void)
{
	struct flow *f = flow_start(.shards = 4, .conf = PLAIN);

	printf("# move\n");
	for (int home = 0; home < 4; home++) {
		const char *jid = name_on(f, "romeo", home);
		struct peer *p;
		const char *success, *features, *answer;

		account(f, jid);
		p = begin(f, 1, jid, AGENT BIND_SM, "<iq type='get' id='n'><now "
			"xmlns='urn:flow'/></iq><r xmlns='urn:xmpp:sm:3'/>");
		success = strstr(heard(p), "</success>");
		features = strstr(heard(p), "<stream:features>");
		answer = strstr(heard(p), "id='n'");
		ok(success != NULL && features > success && answer > features,
			"home %d: success, features, and what was asked early", home);
		is_heard(p, "<enabled ");
		is_heard(p, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	}
	is_int(counted(f, STAT_sessions_now), 4, "four sessions");
	flow_end(&f);
}

/* The client's record is being written. */
static void
test_record_waits(void)
{
	static const enum sc_db_status ends[] = { SC_DB_OK, SC_DB_BUSY, SC_DB_FAILED,
		SC_DB_UNCERTAIN };
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p;

	printf("# the record waits\n");
	account(f, "romeo@here");
	pause_statement(f, "client_login");
	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		p = begin(f, 0, "romeo@here", AGENT BIND, "");
		is_text(heard(p), "", "nothing is said before it is written");
		finish_one(f, "client_login", ends[i]);
		ok(hears(p, "<bound"), "the login goes on, however that ends");
		cut(p);
		run(f);
	}
	p = begin(f, 0, "romeo@here", AGENT BIND, "");
	cut(p);
	run(f);
	finish_one(f, "client_login", SC_DB_OK);
	is_int(counted(f, STAT_sessions_now), 0, "who has gone meanwhile is not bound");
	/* Nor does anybody else speak meanwhile. */
	p = begin(f, 0, "romeo@here", AGENT BIND,
		"<message to='romeo@here' type='chat'><body>1</body></message>");
	finish_one(f, "client_login", SC_DB_OK);
	ok(hears(p, "<bound"), "what is said too early is heard later");
	flow_end(&f);
}

static void
test_bind_waits(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p;

	printf("# the bind waits\n");
	account(f, "romeo@here");
	tiny.hold_bound = true;
	pause_statement(f, "flow_bound");
	p = begin(f, 0, "romeo@here", BIND, "");
	is_text(heard(p), "", "nothing is said before the modules have");
	finish_one(f, "flow_bound", SC_DB_OK);
	is_heard(p, "romeo@here/t/");
	is_heard(p, "<bound");
	p = begin(f, 1, "romeo@here", BIND, "");
	finish_one(f, "flow_bound", SC_DB_FAILED);
	is_heard(p, "<failure xmlns='urn:xmpp:sasl:2'><temporary-auth-failure");
	ok(!hears(p, "<success") && is_closed(p), "refused: no success, and the end");
	p = begin(f, 0, "romeo@here", BIND, "");
	cut(p);
	run(f);
	finish_one(f, "flow_bound", SC_DB_OK);
	is_int(counted(f, STAT_sessions_now), 1, "who has gone meanwhile is not bound");
	flow_end(&f);
}

static void
test_same_agent(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *one, *two, *three;

	printf("# one installation\n");
	account(f, "romeo@here");
	account(f, "juliet@here");
	one = begin(f, 0, "romeo@here", AGENT BIND_SM, "");
	begin(f, 1, "juliet@here", AGENT BIND, "");
	two = begin(f, 1, "romeo@here",
		AGENT "<bind xmlns='urn:xmpp:bind:0'><tag>other</tag></bind>", "");
	is_heard(one, "<conflict");
	is_heard(two, "romeo@here/other/");
	is_int(counted(f, STAT_sessions_now), 2, "its own session is replaced, nobody else's");
	/* Also one that sleeps. */
	three = begin(f, 0, "romeo@here", AGENT BIND_SM, "");
	cut(three);
	run(f);
	is_int(counted(f, STAT_sessions_asleep_now), 1, "asleep");
	begin(f, 0, "romeo@here", AGENT BIND, "");
	is_int(counted(f, STAT_sessions_asleep_now), 0, "replaced in its sleep");
	is_int(counted(f, STAT_sessions_now), 2, "two sessions");
	flow_end(&f);
}

/* The id in <enabled/>. */
static void
read_id(struct peer *p, char id[64])
{
	const char *at = strstr(heard(p), " id='");

	id[0] = '\0';
	if (at != NULL)
		sscanf(at, " id='%63[^']'", id);
}

static void
test_resume(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	char id[64], asked[256];
	struct peer *p, *two;

	printf("# resume\n");
	account(f, "romeo@here");
	p = begin(f, 0, "romeo@here", BIND_SM, "<presence/>");
	read_id(p, id);
	cut(p);
	run(f);
	is_int(counted(f, STAT_sessions_asleep_now), 1, "asleep");
	snprintf(asked, sizeof asked, "<resume xmlns='urn:xmpp:sm:3' h='0' previd='%s'/>" BIND, id);
	p = begin(f, 1, "romeo@here", asked, "<iq type='get' id='n'><now xmlns='urn:flow'/></iq>");
	is_heard(p, "<resumed ");
	ok(!hears(p, "<bound") && !hears(p, "<stream:features"),
		"not bound beside that, and no features");
	is_heard(p, "id='n'");
	/* Once more, while it is awake: the old stream loses it. */
	two = begin(f, 0, "romeo@here", asked, "");
	is_heard(two, "<resumed ");
	is_heard(p, "<conflict");
	is_int(counted(f, STAT_sessions_now), 1, "one session");
	flow_end(&f);
}

/* The account ends while its stream is on its way to a bind. */
static void
test_account_gone(void)
{
	struct flow *f = flow_start(.shards = 2, .conf = PLAIN);
	struct peer *p;

	printf("# the account is gone\n");
	account(f, "romeo@here");
	pause_statement(f, "client_login");
	p = begin(f, 0, "romeo@here", AGENT BIND, "");
	account_gone(f, "romeo@here");
	finish_one(f, "client_login", SC_DB_OK);
	is_heard(p, "<not-authorized");
	ok(!hears(p, "<success") && is_closed(p), "no success");
	flow_end(&f);
}

int
main(void)
{
	test_move();
	test_record_waits();
	test_bind_waits();
	test_same_agent();
	test_resume();
	test_account_gone();
	return done_testing();
}
