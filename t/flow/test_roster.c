/* SPDX-License-Identifier: MIT */
/* Changes of one roster that meet, chosen: two devices, two people, a slow database, one that
 * fails, a login in between. */
#include "config.h"

#include "../unit/tap.h"
#include "flow.h"
#include "roster/roster.h"

extern const struct sc_module sc_module_presence;
static const struct sc_module *const modules[] = { &sc_module_roster, &sc_module_presence, NULL };

/* --- looking into a roster, on its shard --- */

struct look {
	const struct client *client;
	const char *contact;
	unsigned bits;
	char name[64];
};

static void
look_on_shard(void *arg)
{
	struct look *l = arg;
	struct roster *r = roster_of(sc_session_account(session_of(l->client)));
	const struct contact *c = book_find(&r->book, sc_span(l->contact));

	if (c == NULL)
		return;
	l->bits = c->bits;
	snprintf(l->name, sizeof l->name, "%.*s", (int)book_name(c).n, book_name(c).p);
}

static struct look
look(struct flow *f, const struct client *client, const char *contact)
{
	struct look l = { client, contact, 0, "" };

	on_shard(f, home_shard(client), look_on_shard, &l);
	return l;
}

#define is_contact(f, client, contact, want_bits, want_name) do { \
	struct look l_ = look(f, client, contact); \
	is_int(l_.bits, want_bits, "%s: bits of %s", jid_of(client), contact); \
	is_text(l_.name, want_name, "%s: name of %s", jid_of(client), contact); \
} while (0)

static void
name_it(struct client *c, const char *id, const char *contact, const char *name)
{
	feed(c, "<iq type='set' id='%s'><query xmlns='jabber:iq:roster'>"
		"<item jid='%s' name='%s'/></query></iq>", id, contact, name);
}

/* An account with one contact, as the database has it. */
static struct client *
come_with(struct flow *f, const char *jid, const char *contact, const char *bits)
{
	struct client *c;

	pause_statement(f, "roster_load");
	c = bind_client(f, jid);
	finish_rows(f, "roster_load", "tttiii", 1,
		(const char *const[]){ contact, "", "", "5", "0", bits });
	unpause_statement(f, "roster_load");
	feed(c, "<presence/>");
	run(f);
	forget(c);
	return c;
}

/* --- the tests --- */

/* The second change of a roster is not even written before the first is committed. */
static void
test_two_devices(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	struct client *desk = come(f, "romeo@here/desk"), *phone = come(f, "romeo@here/phone");

	printf("# two devices, %d shards\n", shards);
	forget(desk);
	pause_statement(f, "roster_item");
	name_it(desk, "1", "juliet@here", "Juliet");
	run(f);
	name_it(phone, "2", "juliet@here", "J.");
	feed(phone, "<presence to='juliet@here' type='subscribe'/>");
	run(f);
	is_int(waiting_for(f, "roster_item"), 1, "one change at a time");
	is_contact(f, desk, "juliet@here", 0, "");
	is_quiet(desk);
	finish_one(f, "roster_item", SC_DB_OK);
	is_seen(desk, "result 1");
	is_contact(f, desk, "juliet@here", CONTACT_LISTED, "Juliet");
	is_quiet(phone);
	is_int(asked(f, "roster_state"), 0, "the phone's request waits behind its own set");
	finish_one(f, "roster_item", SC_DB_OK);
	is_seen(phone, "result 2");
	is_contact(f, desk, "juliet@here", CONTACT_LISTED | CONTACT_ASKED, "J.");
	flow_end(&f);
}

/* Juliet says yes while Romeo gives her another name: both count. */
static void
test_two_people(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	/* He asks her, she is asked: bits of roster_book.h. */
	struct client *juliet = come_with(f, "juliet@here/balcony", "romeo@here", "16");
	struct client *romeo = come_with(f, "romeo@here/desk", "juliet@here", "36");

	printf("# two people, %d shards\n", shards);
	forget(romeo);
	forget(juliet);
	pause_statement(f, "roster_item");
	name_it(romeo, "1", "juliet@here", "Juliet");
	run(f);
	feed(juliet, "<presence to='romeo@here' type='subscribed'/>");
	run(f);
	is_contact(f, juliet, "romeo@here", CONTACT_LISTED | SC_SUB_FROM, "");
	is_contact(f, romeo, "juliet@here", CONTACT_LISTED | CONTACT_ASKED, "");
	is_quiet(romeo);
	finish_one(f, "roster_item", SC_DB_OK);
	/* What she sent after it, her presence, has waited in the pair's lane. */
	is_seen(romeo, "result 1", "juliet@here/balcony available");
	is_contact(f, romeo, "juliet@here", CONTACT_LISTED | SC_SUB_TO, "Juliet");
	flow_end(&f);
}

/* What could not be written has not happened, and does not stand in the way of what comes after
 * it. */
static void
test_failures(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	struct client *romeo = come(f, "romeo@here/desk"), *phone = come(f, "romeo@here/phone");
	struct client *juliet = come(f, "juliet@here/balcony");

	printf("# failures, %d shards\n", shards);
	forget(romeo);
	pause_statement(f, "roster_item");
	pause_statement(f, "roster_state");
	name_it(romeo, "1", "juliet@here", "Juliet");
	feed(romeo, "<presence to='juliet@here' type='subscribe' id='s'/>");
	run(f);
	feed(phone, "<presence to='juliet@here' type='subscribe' id='p'/>");
	run(f);
	finish_one(f, "roster_item", SC_DB_FAILED);
	is_seen(romeo, "error 1 internal-server-error");
	is_contact(f, romeo, "juliet@here", 0, "");
	finish_one(f, "roster_state", SC_DB_BUSY);
	finish_one(f, "roster_state", SC_DB_BUSY);
	is_seen(romeo, "error resource-constraint");
	is_seen(phone, "error resource-constraint");
	is_quiet(juliet);
	is_contact(f, romeo, "juliet@here", 0, "");
	unpause_statement(f, "roster_state");
	feed(romeo, "<presence to='juliet@here' type='subscribe'/>");
	run(f);
	is_seen(juliet, "romeo@here subscribe");
	is_contact(f, romeo, "juliet@here", CONTACT_LISTED | CONTACT_ASKED, "");
	is_contact(f, juliet, "romeo@here", CONTACT_ASKING_US, "");
	flow_end(&f);
}

/* Nobody waits for ever, and who gives up waiting is not missed. */
static void
test_patience(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	struct client *desk = come(f, "romeo@here/desk"), *phone = come(f, "romeo@here/phone");
	struct client *pad = come(f, "romeo@here/pad");

	printf("# patience, %d shards\n", shards);
	forget(desk);
	forget(phone);
	pause_statement(f, "roster_item");
	name_it(desk, "1", "juliet@here", "A");
	run(f);
	name_it(phone, "2", "juliet@here", "B");
	run(f);
	pass_time(f, 20000);
	name_it(pad, "3", "juliet@here", "C");
	run(f);
	pass_time(f, 11000);
	is_seen(phone, "error 2 resource-constraint");
	is_quiet(pad);
	finish_one(f, "roster_item", SC_DB_OK);
	is_seen(desk, "result 1");
	finish_one(f, "roster_item", SC_DB_OK);
	is_seen(pad, "result 3");
	is_contact(f, desk, "juliet@here", CONTACT_LISTED, "C");
	flow_end(&f);
}

/* The client is gone before its change is committed; the change is made. */
static void
test_gone(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	struct client *desk = come(f, "romeo@here/desk"), *phone = come(f, "romeo@here/phone");

	printf("# gone meanwhile, %d shards\n", shards);
	pause_statement(f, "roster_item");
	name_it(desk, "1", "juliet@here", "Juliet");
	name_it(desk, "2", "nurse@here", "Nurse");
	run(f);
	hang_up(desk);
	run(f);
	is_quiet(phone);        /* the desk is not gone before what it had sent is done */
	finish_one(f, "roster_item", SC_DB_OK);
	finish_one(f, "roster_item", SC_DB_OK);
	is_seen(phone, "romeo@here/desk unavailable");
	is_contact(f, phone, "juliet@here", CONTACT_LISTED, "Juliet");
	is_contact(f, phone, "nurse@here", CONTACT_LISTED, "Nurse");
	flow_end(&f);
}

/* What a stream sends after a roster set is judged by the roster that it has set (RFC 6120
 * §10.1). */
static void
test_presence_after_set(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	/* On both rosters, with a subscription both ways. */
	struct client *juliet = come_with(f, "juliet@here/balcony", "romeo@here", "35");
	struct client *romeo = come_with(f, "romeo@here/desk", "juliet@here", "35");

	printf("# presence after a set, %d shards\n", shards);
	forget(juliet);
	pause_statement(f, "roster_remove");
	feed(juliet, "<iq type='set' id='1'><query xmlns='jabber:iq:roster'>"
		"<item jid='romeo@here' subscription='remove'/></query></iq>");
	feed(juliet, "<presence><status>secret</status></presence>");
	run(f);
	is_quiet(romeo);
	finish_one(f, "roster_remove", SC_DB_OK);
	is_seen(romeo, "juliet@here/balcony unavailable");
	is_contact(f, romeo, "juliet@here", CONTACT_LISTED, "");
	flow_end(&f);
}

/* Clients delete their contacts when they get an empty roster, so without a roster there is no
 * login. */
static void
test_no_roster_no_login(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	struct client *romeo;

	printf("# no roster, no login, %d shards\n", shards);
	pause_statement(f, "roster_load");
	romeo = bind_client(f, "romeo@here/desk");
	finish_one(f, "roster_load", SC_DB_FAILED);
	ok(session_of(romeo) == NULL, "not bound");
	unpause_statement(f, "roster_load");
	ok(session_of(come(f, "romeo@here/desk")) != NULL, "bound when the database is back");
	flow_end(&f);
}

/* A request that is committed while a device logs in is shown to it once; one that is answered
 * while we read, not at all. */
static void
test_request_at_login(int shards)
{
	struct flow *f = flow_start(.shards = shards, .modules = modules);
	struct client *romeo = come(f, "romeo@here/desk"), *juliet, *phone;
	const char *const row[] = { "romeo@here",
		"<presence type='subscribe' from='romeo@here' to='juliet@here'/>", "5" };

	printf("# a request at a login, %d shards\n", shards);
	account(f, "juliet@here");
	pause_statement(f, "roster_request");
	feed(romeo, "<presence to='juliet@here' type='subscribe'/>");
	run(f);
	juliet = come(f, "juliet@here/balcony");
	finish_one(f, "roster_request", SC_DB_OK);
	is_seen(juliet, "romeo@here subscribe");

	pause_statement(f, "roster_requests_until");
	phone = come(f, "juliet@here/phone");
	finish_rows(f, "roster_requests_until", "tti", 1, row);
	is_seen(phone, "romeo@here subscribe");
	hang_up(phone);
	run(f);
	phone = come(f, "juliet@here/phone");
	feed(juliet, "<presence to='romeo@here' type='unsubscribed'/>");
	run(f);
	finish_rows(f, "roster_requests_until", "tti", 1, row);
	is_quiet(phone);
	is_contact(f, romeo, "juliet@here", CONTACT_LISTED, "");
	flow_end(&f);
}

int
main(void)
{
	for (int shards = 1; shards <= 2; shards++) {
		test_two_devices(shards);
		test_two_people(shards);
		test_failures(shards);
		test_patience(shards);
		test_gone(shards);
		test_presence_after_set(shards);
		test_no_roster_no_login(shards);
		test_request_at_login(shards);
	}
	return done_testing();
}
