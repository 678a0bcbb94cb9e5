/* SPDX-License-Identifier: MIT */
/* Accounts that are deleted, disabled and made while somebody uses them, and while they are being
 * looked up. */
#include "config.h"

#include "../unit/tap.h"
#include "base/stats.h"
#include "flow.h"

#define HOLD_FROM "<hold-from xmlns='urn:flow'/>"
#define PLAIN "c2s = { require_tls = false; allow_plain_without_tls = true; };"
#define BIND "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
	"<resource>%s</resource></bind></iq>"
#define is_done(f, words) do { \
	const char *a_ = command(f, words); \
	ok(a_ != NULL && strstr(a_, "\"ok\":true") != NULL, "%s: %s", words, \
		a_ != NULL ? a_ : "no answer"); \
} while (0)

static void
chat(struct client *from, const char *to, const char *body, const char *more)
{
	feed(from, "<message to='%s' type='chat'><body>%s</body>%s</message>", to, body, more);
}

/* Sessions end, one of them in the middle of something; contacts hear of it; then there is nobody
 * of that name. */
static void
test_delete(void)
{
	struct flow *f = flow_start(.shards = 3, .admin = true, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony"), *a, *b;
	struct peer *bound = connect_peer(f, 0), *unbound = connect_peer(f, 1);

	printf("# user delete\n");
	tiny.watchers[0] = "juliet@here";
	a = come(f, "romeo@here/a");
	b = come(f, "romeo@here/b");
	log_in(bound, "romeo@here");
	bind_peer(bound, "c");
	log_in(unbound, "romeo@here");
	forget(juliet);
	pause_statement(f, "flow_hold_from");
	chat(b, "juliet@here", "1", HOLD_FROM);
	run(f);
	is_done(f, "user delete romeo@here");
	is_text(closed_with(a), "not-authorized", "a is closed");
	is_text(closed_with(b), "not-authorized", "b is closed");
	ok(is_closed(bound), "c is closed");
	is_seen(juliet, "romeo@here/a unavailable");
	chat(juliet, "romeo@here", "2", "");
	chat(juliet, "romeo@here/b", "3", "");
	run(f);
	is_seen(juliet, "error service-unavailable", "error service-unavailable");
	open_stream(unbound, "here");
	say(unbound, BIND, "x");
	is_heard(unbound, "<not-authorized");
	ok(is_closed(unbound), "who has logged in before cannot bind");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_seen(juliet, "1", "romeo@here/b unavailable");
	is_int(counted(f, STAT_sessions_now), 1, "nobody but juliet is left");
	/* Made anew. */
	account(f, "romeo@here");
	forget_absent(f, "romeo@here");
	a = come(f, "romeo@here/a");
	forget(juliet);
	chat(juliet, "romeo@here", "4", "");
	run(f);
	is_bodies(a, "4");
	flow_end(&f);
}

/* The lookup was answered before the account was deleted, or made, and its answer comes after that:
 * it is asked again. */
static void
test_changed_while_loading(void)
{
	struct flow *f = flow_start(.shards = 2, .admin = true);
	struct client *juliet = come(f, "juliet@here/balcony");

	printf("# changed while it is looked up\n");
	tiny.keep = true;
	account(f, "romeo@here");
	pause_statement(f, "account_load");
	chat(juliet, "romeo@here", "1", "");
	run(f);
	is_done(f, "user delete romeo@here");
	finish_rows(f, "account_load", "iiii", 1, (const char *const[]){ "77", "0", "0", "0" });
	is_int(waiting_for(f, "account_load"), 1, "asked again");
	finish_one(f, "account_load", SC_DB_OK);
	is_seen(juliet, "error service-unavailable");
	is_text(tiny.kept, "", "nothing is kept for nobody");

	chat(juliet, "mercutio@here", "2", "");
	run(f);
	account(f, "mercutio@here");
	forget_absent(f, "mercutio@here");
	finish_rows(f, "account_load", "iiii", 0, NULL);
	is_int(waiting_for(f, "account_load"), 1, "asked again");
	finish_one(f, "account_load", SC_DB_OK);
	is_text(tiny.kept, "2", "kept for the new account");
	flow_end(&f);
}

/* Disabled: sessions end and nobody logs in, but messages are kept. Also when the account is being
 * loaded just then. */
static void
test_disable(bool while_loading)
{
	struct flow *f = flow_start(.shards = 2, .admin = true, .conf = PLAIN);
	struct client *juliet = come(f, "juliet@here/balcony"), *romeo = NULL;
	struct peer *p = connect_peer(f, 0), *q = connect_peer(f, 1);

	printf("# user disable%s\n", while_loading ? ", while it is loaded" : "");
	tiny.keep = true;
	log_in(p, "romeo@here");
	open_stream(p, "here");
	unhear(p);
	if (while_loading) {
		pause_statement(f, "account_load");
		chat(juliet, "romeo@here", "0", "");
		run(f);
	} else {
		romeo = come(f, "romeo@here/x");
	}
	is_done(f, "user disable romeo@here");
	if (while_loading) {
		finish_rows(f, "account_load", "iiii", 1, (const char *const[]){ "1", "0",
			"0", "0" });
		unpause_statement(f, "account_load");
		is_text(tiny.kept, "0", "messages are kept");
	} else {
		is_text(closed_with(romeo), "not-authorized", "closed");
	}
	chat(juliet, "romeo@here", "1", "");
	run(f);
	is_text(tiny.kept, while_loading ? "0 1" : "1", "messages are kept");
	say(p, BIND, "y");
	is_heard(p, "<not-authorized");
	open_stream(q, "here");
	unhear(q);
	say_plain(q, "romeo@here");
	is_heard(q, "<account-disabled");
	is_done(f, "user enable romeo@here");
	say_plain(q, "romeo@here");
	is_heard(q, "<success");
	bind_peer(q, "z");
	is_int(counted(f, STAT_sessions_now), 2, "he is back");
	flow_end(&f);
}

int
main(void)
{
	test_delete();
	test_changed_while_loading();
	test_disable(false);
	test_disable(true);
	return done_testing();
}
