/* SPDX-License-Identifier: MIT */
/* Resumption after a kill (XEP-0198 §5), with the module `offline` over tables in memory: what a
 * client names is not given to it again, what it has not got is, to each device that is owed it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "../unit/tap.h"
#include "base/stats.h"
#include "core/sm.h"
#include "flow.h"
#include "flow_spool.h"

#define SM "xmlns='urn:xmpp:sm:3'"

struct device {
	struct peer *peer;
	const char *resource;
	char id[64];
};

static struct device
online(struct flow *f, const char *bare_jid, const char *resource)
{
	struct device d = { .peer = connect_peer(f, 0), .resource = resource };
	const char *at;

	log_in(d.peer, bare_jid);
	bind_peer(d.peer, resource);
	say(d.peer, "<enable " SM " resume='true'/>");
	at = strstr(heard(d.peer), " id='");
	snprintf(d.id, sizeof d.id, "%.*s", at != NULL ? (int)strcspn(at + 5, "'") : 0,
		at != NULL ? at + 5 : "");
	say(d.peer, "<presence/>");
	unhear(d.peer);
	return d;
}

/* Binds anew. */
static void
comes(struct peer *p, const char *resource)
{
	say(p, "<iq type='set' id='b'><bind "
		"xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>"
		"<presence/>", resource);
}

static struct peer *
logged_in(struct flow *f, const char *bare_jid)
{
	struct peer *p = connect_peer(f, 0);

	log_in(p, bare_jid);
	open_stream(p, "here");
	unhear(p);
	return p;
}

static void
chats(struct client *from, const char *to, int first, int n)
{
	for (int i = first; i < first + n; i++)
		feed(from, "<message to='%s' type='chat'><body>n%dn</body></message>", to, i);
}

/* "1 2 3": the bodies, in order. */
static const char *
bodies_heard(struct peer *p)
{
	static char got[1024];

	*got = '\0';
	for (const char *at = heard(p); (at = strstr(at, "<body>n")) != NULL; at++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d",
			*got != '\0' ? " " : "", atoi(at + 7));
	unhear(p);
	return got;
}

#define has_heard(peer, list) \
	is_text(bodies_heard(peer), list, "hears %s", *list ? list : "nothing")

static bool
names(int row, const struct device *d, int number)
{
	char mention[96];

	snprintf(mention, sizeof mention, "%s:%d", d->id, number);
	return strstr(spool_owed(row), mention) != NULL;
}

/* A row names every session and number, also of what is not written yet, so that what a client has
 * goes by its h. */
static void
test_rows_name_all(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone, desk;
	struct peer *p;

	printf("# rows name all sessions and numbers\n");
	phone = online(f, "juliet@here", "phone");
	desk = online(f, "juliet@here", "desk");
	cut(desk.peer);
	run(f);
	chats(romeo, "juliet@here", 1, 3);
	pass_time(f, 300);
	has_heard(phone.peer, "1 2 3");
	is_int(spool_rows(), 3, "three rows");
	for (int i = 0; i < 3; i++)
		ok(names(i, &phone, i + 1) && names(i, &desk, i + 1), "both are named: %s",
			spool_owed(i));
	spool_kill(&f);

	f = spool_flow(2);
	(void)come(f, "romeo@here/orchard");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='2' previd='%s'/>", phone.id);
	is_heard(p, "<item-not-found");
	ok(strstr(heard(p), " h='") == NULL, "without h");
	is_int(spool_rows(), 1, "two are gone");
	comes(p, "phone");
	has_heard(p, "3");
	flow_end(&f);
	spool_clear();
}

/* What a drain gives out leaves when its numbers are written down. */
static void
test_drained(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone;
	struct peer *p;

	printf("# what was drained\n");
	account(f, "juliet@here");
	chats(romeo, "juliet@here", 1, 4);
	run(f);
	pause_statement(f, "spool_give");
	phone = online(f, "juliet@here", "phone");
	has_heard(phone.peer, "");
	finish_one(f, "spool_give", SC_DB_OK);
	has_heard(phone.peer, "1 2 3 4");
	is_int(spool_rows(), 4, "nothing is acknowledged");
	spool_kill(&f);

	f = spool_flow(2);
	(void)come(f, "romeo@here/orchard");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='3' previd='%s'/>", phone.id);
	is_heard(p, "<item-not-found");
	is_int(spool_rows(), 1, "three are gone");
	comes(p, "phone");
	has_heard(p, "4");
	flow_end(&f);
	spool_clear();
}

/* Without a database nobody waits for longer than two seconds. */
static void
test_drained_without_database(void)
{
	struct flow *f = spool_flow(1);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone;

	printf("# what was drained, and nobody can write that down\n");
	account(f, "juliet@here");
	chats(romeo, "juliet@here", 1, 2);
	run(f);
	pause_statement(f, "spool_give");
	phone = online(f, "juliet@here", "phone");
	has_heard(phone.peer, "");
	pass_time(f, 2001);
	has_heard(phone.peer, "1 2");
	cut(phone.peer);
	run(f);
	flow_end(&f);
	spool_clear();
}

/* The h in a refused <resume/> is used first: while that cannot be, the client is told to come
 * later. */
static void
test_refused_without_database(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone = online(f, "juliet@here", "phone");
	struct peer *p;

	count_handled(romeo);
	printf("# a refused h without a database\n");
	chats(romeo, "juliet@here", 1, 2);
	run(f);
	pass_time(f, 300);
	is_int(spool_rows(), 2, "two rows");
	spool_kill(&f);
	f = spool_flow(2);
	(void)come(f, "romeo@here/orchard");
	p = logged_in(f, "juliet@here");
	pause_statement(f, "spool_remove");
	say(p, "<resume " SM " h='1' previd='%s'/>", phone.id);
	finish_one(f, "spool_remove", SC_DB_BUSY);
	is_heard(p, "<resource-constraint");
	ok(is_closed(p), "closed");
	unpause_statement(f, "spool_remove");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='1' previd='%s'/>", phone.id);
	is_heard(p, "<item-not-found");
	is_int(spool_rows(), 1, "it has come again with its number");
	flow_end(&f);
	spool_clear();
}

/* Both sleep over a restart: each is owed what it has not got, and no more. */
static void
test_both_come_back(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone, desk;
	struct peer *p;

	printf("# two devices over a restart\n");
	phone = online(f, "juliet@here", "phone");
	desk = online(f, "juliet@here", "desk");
	chats(romeo, "juliet@here", 1, 2);
	run(f);
	say(desk.peer, "<a " SM " h='1'/>");
	cut(phone.peer);
	cut(desk.peer);
	run(f);
	chats(romeo, "juliet@here", 3, 1);
	pass_time(f, 3000);
	is_int(spool_rows(), 3, "rows");
	is_int(spool_sleepers(), 2, "and sessions");
	ok(spool_acked(0) && !spool_acked(1), "the first is for the phone only: %s", spool_owed(0));
	spool_kill(&f);

	f = spool_flow(2);
	romeo = come(f, "romeo@here/orchard");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='1' previd='%s'/>", desk.id);
	is_heard(p, "<resumed");
	has_heard(p, "2 3");
	say(p, "<a " SM " h='3'/>");
	is_int(spool_rows(), 3, "the phone has none of them");
	ok(spool_acked(1) && spool_acked(2), "but it is not for others");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='0' previd='%s'/>", phone.id);
	is_heard(p, "<resumed");
	has_heard(p, "1 2 3");
	chats(romeo, "juliet@here", 4, 1);
	run(f);
	has_heard(p, "4");
	say(p, "<a " SM " h='4'/>");
	pass_time(f, 1000);
	is_int(spool_rows(), 0, "all is settled");
	flow_end(&f);
	spool_clear();
}

/* Killed again after it was resumed: now it counts anew, from the h that its client named. */
static void
test_counts_anew(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone = online(f, "juliet@here", "phone");
	struct peer *p;

	printf("# killed again\n");
	say(phone.peer, "<iq type='get' id='i' to='here'><ping xmlns='urn:xmpp:ping'/></iq>");
	chats(romeo, "juliet@here", 1, 1);
	run(f);
	feed(romeo, "<message to='juliet@here/phone' type='headline'><body>gone with the "
		"server</body></message>");
	chats(romeo, "juliet@here", 2, 2);
	run(f);
	cut(phone.peer);
	run(f);
	pass_time(f, 3000);
	is_int(spool_rows(), 3, "three rows");
	ok(names(2, &phone, 5), "the last is the fifth: %s", spool_owed(2));
	spool_kill(&f);

	f = spool_flow(2);
	romeo = come(f, "romeo@here/orchard");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='2' previd='%s'/>", phone.id);
	is_heard(p, "<resumed");
	/* Before the rest: so that old numbers would lie too low. */
	has_heard(p, "2 3");
	feed(romeo, "<message to='juliet@here/phone' type='headline'><body>x</body></message>");
	run(f);
	spool_kill(&f);
	f = spool_flow(2);
	(void)come(f, "romeo@here/orchard");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='3' previd='%s'/>", phone.id);
	is_heard(p, "<item-not-found");
	is_int(spool_rows(), 1, "it has one of the two");
	comes(p, "phone");
	has_heard(p, "3");
	flow_end(&f);
	spool_clear();
}

/* A session ends while the row of what it leaves is being written, and the next one is being served
 * from a page that was read before. */
static void
test_row_behind_the_page(void)
{
	struct flow *f = spool_flow(2);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone = online(f, "juliet@here", "phone");
	struct peer *p;

	printf("# too high an h, and a page that is older than the row\n");
	pause_statement(f, "spool_add");
	pause_statement(f, "spool_page");
	chats(romeo, "juliet@here", 1, 1);
	run(f);
	has_heard(phone.peer, "1");
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='10' previd='%s'/>", phone.id);
	is_heard(p, "<handled-count-too-high");
	p = logged_in(f, "juliet@here");
	comes(p, "phone");
	is_int(waiting_for(f, "spool_page"), 1, "a page is being read");
	finish_one(f, "spool_add", SC_DB_OK);
	finish_rows(f, "spool_page", "iit", 0, NULL);
	unpause_statement(f, "spool_page");
	unpause_statement(f, "spool_add");
	has_heard(p, "1");
	flow_end(&f);
	spool_clear();
}

static void
shallow(void *arg)
{
	sm_limits.sleep_stanzas = *(int64_t *)arg;
}

/* In a queue over its limit a presence that a newer one makes superfluous goes; but not from in
 * front of a message that has its number in a row. */
static void
test_numbers_stay(void)
{
	struct flow *f = spool_flow(1);
	struct client *romeo = come(f, "romeo@here/orchard");
	struct device phone = online(f, "juliet@here", "phone");
	int64_t standard = sm_limits.sleep_stanzas, three = 3;
	struct peer *p;

	printf("# numbers stay\n");
	on_shard(f, 0, shallow, &three);
	cut(phone.peer);
	run(f);
	feed(romeo, "<presence to='juliet@here/phone'><status>a1a</status></presence>");
	chats(romeo, "juliet@here/phone", 1, 1);
	pass_time(f, 300);
	ok(names(0, &phone, 2), "behind one presence: %s", spool_owed(0));
	for (int i = 1; i <= 2; i++)
		feed(romeo, "<message to='juliet@here/phone' type='headline'/>");
	feed(romeo, "<presence to='juliet@here/phone'><status>a2a</status></presence>");
	feed(romeo, "<presence to='juliet@here/phone'><status>a3a</status></presence>");
	run(f);
	on_shard(f, 0, shallow, &standard);
	p = logged_in(f, "juliet@here");
	say(p, "<resume " SM " h='0' previd='%s'/>", phone.id);
	is_heard(p, "a1a</status></presence><message");
	ok(strstr(heard(p), "a2a") == NULL, "one that had nothing behind it is gone");
	is_heard(p, "a3a");
	flow_end(&f);
	spool_clear();
}

int
main(void)
{
	test_rows_name_all();
	test_drained();
	test_drained_without_database();
	test_refused_without_database();
	test_both_come_back();
	test_counts_anew();
	test_row_behind_the_page();
	test_numbers_stay();
	return done_testing();
}
