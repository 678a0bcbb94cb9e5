/* SPDX-License-Identifier: MIT */
/*
 * Several devices of one account: copies (module `carbons`) and clients that nobody looks at
 * (module `csi`) under custody. What keeps messages is a module of this test, which does it when it
 * is told to.
 */
#include "config.h"

#include "../unit/tap.h"
#include "base/stats.h"
#include "core/entity.h"
#include "core/route.h"
#include "core/session.h"
#include "core/sm.h"
#include "flow.h"
#include "plugin/hook.h"
#include "plugin/nonza.h"

extern const struct sc_module sc_module_carbons, sc_module_csi;

#define ORCHARD "romeo@here/orchard"
#define PHONE "romeo@here/phone"
#define RECEIPT(id) "<received xmlns='urn:xmpp:receipts' id='" id "'/>"
#define MARK(id) "<displayed xmlns='urn:xmpp:chat-markers:0' id='" id "'/>"
#define TYPING "<composing xmlns='http://jabber.org/protocol/chatstates'/>"

/* --- the keeper of rows --- */

static struct {
	struct sc_owed *asked[32];
	int n, answered, safe, changed, plain;
} keeper;

static void
keep(struct sc_ctx *ctx, const struct sc_ev_owed *ev)
{
	(void)ctx;
	sc_assert(keeper.n < 32);
	keeper.asked[keeper.n++] = ev->owed;
	sc_owed_set_sequence(ev->owed, keeper.n);
}

static void
settle(struct sc_ctx *ctx, const struct sc_ev_settled *ev)
{
	(void)ctx;
	keeper.safe += ev->how == SC_SETTLED_SAFE;
	keeper.changed += ev->how == SC_SETTLED_CHANGED;
	keeper.plain += ev->how == SC_SETTLED_PLAIN;
}

static const struct sc_hook hooks[] = { SC_SEE(message_owed, keep), SC_SEE(message_settled, settle),
	SC_END };
SC_MODULE(keeper, .summary = "Keeps rows when it is told to.", .hooks = hooks);
static const struct sc_module *const modules[] = { &sc_module_carbons, &sc_module_csi,
	&sc_module_keeper, NULL };

static void
answer_keeper(void *arg)
{
	sc_owed_stored(keeper.asked[keeper.answered++], *(enum sc_owed_kept *)arg);
	route_run();
}

/* --- devices --- */

struct house {
	struct flow *f;
	struct client *orchard, *phone, *juliet;
};

static void
sm_on(void *arg)
{
	sm_enable(session_of(arg), true, 0);
}

static struct {
	struct client *client;
	uint32_t h;
} ack;

static void
ack_now(void *arg)
{
	(void)arg;
	ok(sm_acked(session_of(ack.client), ack.h), "%s acknowledges %u",
		jid_of(ack.client), ack.h);
	session_drained(session_of(ack.client));
}

static void
acks(struct house *h, struct client *c, uint32_t n)
{
	ack.client = c;
	ack.h = n;
	on_shard(h->f, home_shard(c), ack_now, NULL);
	run(h->f);
}

static void
answers(struct house *h, enum sc_owed_kept kept)
{
	on_shard(h->f, home_shard(h->phone), answer_keeper, &kept);
	run(h->f);
}

/* It is asked again each second, until the limit. */
static void
refuses(struct house *h)
{
	int n = keeper.n;

	while (keeper.answered < keeper.n && keeper.n < 30) {
		answers(h, SC_OWED_FAILED);
		pass_time(h->f, 1000);
	}
	ok(keeper.n > n, "asked again, %d times", keeper.n - n);
}

static void
says(void *arg, const char *word)
{
	struct sc_session *s = session_of(arg);
	struct sc_stanza *m = sc_stanza_new(SC_MESSAGE, SC_TYPE_NORMAL, NULL, NULL, NULL);
	struct sc_elem *e = sc_add(m, sc_stanza_root(m), "urn:xmpp:csi:0", word);
	struct nonza_found found;
	struct sc_ctx *ctx = ctx_new(s->entity->host, s->entity, s);

	sc_assert(nonza_find(s->entity->host, SC_NONZA_STREAM, e, &found));
	ctx->module = found.module;
	found.row->fn(ctx, e);
	ctx_free(ctx);
	sc_stanza_free(&m);
}

static void
says_inactive(void *client)
{
	says(client, "inactive");
}

static void
says_active(void *client)
{
	says(client, "active");
}

static void
phone_is(struct house *h, void (*what)(void *))
{
	on_shard(h->f, home_shard(h->phone), what, h->phone);
	run(h->f);
}

/* Romeo's phone has carbons and counts, what Juliet sends is counted. */
static struct house
move_in(const char *title)
{
	struct house h = { .f = flow_start(.shards = 2, .modules = modules) };

	printf("# %s\n", title);
	memset(&keeper, 0, sizeof keeper);
	h.orchard = come(h.f, ORCHARD);
	h.phone = come(h.f, PHONE);
	h.juliet = come(h.f, "juliet@here/balcony");
	feed(h.phone, "<iq type='set' id='on'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
	run(h.f);
	on_shard(h.f, home_shard(h.phone), sm_on, h.phone);
	count_handled(h.juliet);
	forget(h.phone);
	forget(h.orchard);
	return h;
}

static void
tells(struct house *h, struct client *from, const char *to, const char *inside)
{
	feed(from, "<message to='%s' type='chat'>%s</message>", to, inside);
	run(h->f);
}

/* --- copies --- */

static void
test_copy_is_owed(void)
{
	struct house h = move_in("a copy is owed like the message");

	tells(&h, h.juliet, ORCHARD, "<body>1</body>");
	is_bodies(h.orchard, "1");
	is_bodies(h.phone, "copy of 1");
	is_handled(h.juliet, 0);
	acks(&h, h.phone, 1);
	is_handled(h.juliet, 1);

	/* The other device has it; the phone is owed it all the same, and may sleep through a
	 * restart. */
	tells(&h, h.juliet, ORCHARD, "<body>2</body>");
	is_handled(h.juliet, 1);
	pass_time(h.f, 300);
	is_handled(h.juliet, 1);
	ok(keeper.n == 1 && sc_owed_acked(keeper.asked[0]), "a row, which is for the phone only");
	answers(&h, SC_OWED_KEPT);
	is_handled(h.juliet, 2);
	is_int(keeper.safe + keeper.changed, 0, "nothing to add to it");
	acks(&h, h.phone, 2);
	is_int(keeper.safe, 1, "it goes");
	flow_end(&h.f);
}

static void
test_one_row(enum sc_owed_kept kept)
{
	struct house h = move_in(kept == SC_OWED_KEPT ? "one row for message and copy"
		: "no row for message and copy");

	on_shard(h.f, home_shard(h.orchard), sm_on, h.orchard);
	tells(&h, h.juliet, ORCHARD, "<body>1</body>");
	pass_time(h.f, 300);
	is_int(keeper.n, 1, "asked once");
	is_text(sc_child(sc_root(sc_owed_stanza(keeper.asked[0])), SC_NS_CONTENT, "body") != NULL
		? "the message" : "the copy", "the message", "what is kept");
	is_handled(h.juliet, 0);
	if (kept == SC_OWED_KEPT)
		answers(&h, kept);
	else
		refuses(&h);
	is_handled(h.juliet, 1);
	is_bodies(h.orchard, "1");
	is_bodies(h.phone, "copy of 1");
	if (kept == SC_OWED_FAILED)
		is_bodies(h.juliet, "error resource-constraint");
	else
		is_quiet(h.juliet);
	/* The phone has it: the other one may die. */
	acks(&h, h.phone, 1);
	is_int(keeper.changed, kept == SC_OWED_KEPT, "told that the phone has it");
	hang_up(h.orchard);
	pass_time(h.f, 601000);
	is_bodies(h.phone, NULL);
	is_int(keeper.safe, kept == SC_OWED_KEPT, "and that all have it or are gone");
	flow_end(&h.f);
}

/* What nobody has acknowledged is not lost with the one it was sent to, nor with the other. */
static void
test_all_die(void)
{
	struct house h = move_in("nobody has it");
	struct client *tablet;

	on_shard(h.f, home_shard(h.orchard), sm_on, h.orchard);
	tells(&h, h.juliet, ORCHARD, "<body>1</body>");
	pass_time(h.f, 300);
	answers(&h, SC_OWED_KEPT);
	hang_up(h.orchard);
	hang_up(h.phone);
	pass_time(h.f, 601000);
	is_int(keeper.plain, 1, "the row is for whoever comes");
	flow_end(&h.f);

	h = move_in("nobody has it, and it has no row");
	on_shard(h.f, home_shard(h.orchard), sm_on, h.orchard);
	tiny.keep = true;
	tells(&h, h.juliet, ORCHARD, "<body>1</body>");
	pass_time(h.f, 300);
	answers(&h, SC_OWED_NOT_WANTED);
	tablet = come(h.f, "romeo@here/tablet");
	hang_up(h.phone);
	hang_up(h.orchard);
	pass_time(h.f, 601000);
	is_bodies(tablet, "1");
	flow_end(&h.f);
}

static void
test_sent(void)
{
	struct house h = move_in("a copy of what was sent");

	count_handled(h.orchard);
	tells(&h, h.orchard, "juliet@here", "<body>1</body>");
	is_bodies(h.juliet, "1");
	is_bodies(h.phone, "copy of 1");
	is_handled(h.orchard, 0);
	acks(&h, h.phone, 1);
	is_handled(h.orchard, 1);
	/* Nobody else could need it, which the row says; and a chat state is not worth waiting
	 * for. */
	tells(&h, h.orchard, "juliet@here", "<body>2</body>");
	is_handled(h.orchard, 1);
	pass_time(h.f, 300);
	is_handled(h.orchard, 1);
	ok(keeper.n == 1 && sc_owed_acked(keeper.asked[0]), "a row, which is for the phone only");
	answers(&h, SC_OWED_KEPT);
	is_handled(h.orchard, 2);
	tells(&h, h.orchard, "juliet@here", TYPING);
	is_handled(h.orchard, 3);
	hang_up(h.phone);
	run(h.f);
	tells(&h, h.orchard, "juliet@here", "<body>3</body>");
	is_handled(h.orchard, 3);
	answers(&h, SC_OWED_KEPT);
	is_handled(h.orchard, 4);
	is_int(keeper.n, 2, "another one");
	forget(h.orchard);
	pass_time(h.f, 601000);
	is_int(keeper.safe, 2, "both go with the phone");
	is_bodies(h.orchard, NULL);
	is_bodies(h.juliet, "2", "(no body)", "3");
	flow_end(&h.f);
}

static void
ends(void *client)
{
	session_end(session_of(client));
}

/* Its session ends while its row is being written: the duty does not end with the session. */
static void
test_end_in_mid_row(enum sc_owed_kept kept)
{
	struct house h = move_in(kept == SC_OWED_KEPT ? "an end while the row is written"
		: "an end while the row fails");

	tells(&h, h.juliet, PHONE, "<body>1</body>");
	pass_time(h.f, 300);
	is_int(keeper.n, 1, "a row is asked for");
	on_shard(h.f, home_shard(h.phone), ends, h.phone);
	run(h.f);
	is_handled(h.juliet, 0);
	answers(&h, kept);
	is_handled(h.juliet, 1);
	if (kept == SC_OWED_KEPT)
		is_int(keeper.plain, 1, "the row is for the next session");
	else
		is_text(*seen(h.orchard) != '\0' || *seen(h.juliet) != '\0' ? "told" : "lost",
			"told", "it finds another way");
	flow_end(&h.f);
}

/* --- a client that nobody looks at --- */

static void
test_receipt_waits(void)
{
	struct house h = move_in("a receipt waits where it is safe");

	phone_is(&h, says_inactive);
	tells(&h, h.juliet, PHONE, RECEIPT("1"));
	is_int(keeper.n, 1, "a row is asked for at once");
	is_handled(h.juliet, 0);
	answers(&h, SC_OWED_KEPT);
	is_handled(h.juliet, 1);
	/* Nothing is promised for typing, so nobody waits. */
	tells(&h, h.juliet, PHONE, TYPING);
	is_handled(h.juliet, 2);
	pass_time(h.f, 3600000);
	is_quiet(h.phone);
	tells(&h, h.juliet, PHONE, "<body>3</body>");
	is_bodies(h.phone, "(no body)", "(no body)", "3");
	acks(&h, h.phone, 3);
	is_int(keeper.safe, 1, "the row goes");
	is_handled(h.juliet, 3);
	flow_end(&h.f);
}

/* --- how long a session may sleep --- */

static struct {
	bool may_be_woken;
	int64_t wish_ms;
	struct sc_session *session;     /* counted */
	bool asleep;
} sleeper;

static void
fall_asleep(void *client)
{
	struct sc_session *s = session_of(client);

	session_ref(s);
	sleeper.session = s;
	sm_end(s);
	sm_enable(s, true, sleeper.wish_ms);
	sc_session_may_be_woken(s, sleeper.may_be_woken);
	s->ops->drop(client);
}

static void
look_at_sleeper(void *arg)
{
	(void)arg;
	sleeper.asleep = sc_session_asleep(sleeper.session);
	if (!sleeper.asleep)
		session_unref(sleeper.session);
}

static void
test_sleep(bool may_be_woken, int64_t wish_ms, int64_t minutes)
{
	struct house h = move_in("how long a session sleeps");
	int shard = home_shard(h.phone);

	sleeper.may_be_woken = may_be_woken;
	sleeper.wish_ms = wish_ms;
	on_shard(h.f, shard, fall_asleep, h.phone);
	pass_time(h.f, minutes * 60000 - 1000);
	on_shard(h.f, shard, look_at_sleeper, NULL);
	ok(sleeper.asleep, "asleep for nearly %lld minutes", (long long)minutes);
	pass_time(h.f, 2000);
	on_shard(h.f, shard, look_at_sleeper, NULL);
	ok(!sleeper.asleep, "and then no more");
	flow_end(&h.f);
}

/* The spool cannot take it: the sender hears of it, and it is taken back. */
static void
test_receipt_refused(void)
{
	struct house h = move_in("a receipt that cannot be kept");

	phone_is(&h, says_inactive);
	tells(&h, h.juliet, PHONE, RECEIPT("1"));
	answers(&h, SC_OWED_FAILED);
	is_handled(h.juliet, 0);
	is_quiet(h.juliet);
	pass_time(h.f, 1000);
	refuses(&h);
	is_handled(h.juliet, 1);
	is_bodies(h.juliet, "error resource-constraint");
	phone_is(&h, says_active);
	is_quiet(h.phone);

	phone_is(&h, says_inactive);
	tells(&h, h.juliet, PHONE, RECEIPT("2"));
	pass_time(h.f, 5100);
	is_handled(h.juliet, 2);
	is_bodies(h.juliet, "error resource-constraint");
	answers(&h, SC_OWED_KEPT);
	phone_is(&h, says_active);
	is_quiet(h.phone);
	flow_end(&h.f);
}

/* A newer mark takes the place of an older one, also of one whose row is just being written. */
static void
test_mark_in_place_of_another(void)
{
	struct house h = move_in("a mark in place of another");

	phone_is(&h, says_inactive);
	tells(&h, h.juliet, PHONE, MARK("1"));
	tells(&h, h.juliet, PHONE, MARK("2"));
	is_int(keeper.n, 2, "a row for each");
	is_handled(h.juliet, 1);
	answers(&h, SC_OWED_KEPT);
	is_int(keeper.safe, 1, "the first is not needed any more");
	answers(&h, SC_OWED_KEPT);
	is_handled(h.juliet, 2);
	tells(&h, h.juliet, PHONE, MARK("3"));
	is_int(keeper.safe, 2, "nor the second");
	answers(&h, SC_OWED_KEPT);
	phone_is(&h, says_active);
	is_bodies(h.phone, "(no body)");
	acks(&h, h.phone, 1);
	is_int(keeper.safe, 3, "the third has arrived");
	flow_end(&h.f);
}

/* Its client dies and never comes back. */
static void
test_dies_with_what_waits(void)
{
	struct house h = move_in("it dies with what waits");

	phone_is(&h, says_inactive);
	tells(&h, h.juliet, PHONE, RECEIPT("1"));
	answers(&h, SC_OWED_KEPT);
	tells(&h, h.juliet, PHONE, RECEIPT("2"));
	hang_up(h.phone);
	run(h.f);
	answers(&h, SC_OWED_KEPT);
	is_handled(h.juliet, 2);
	pass_time(h.f, 601000);
	is_int(keeper.plain, 2, "both rows are for whoever comes");
	flow_end(&h.f);
}

/* Without XEP-0198 nothing keeps it, so it does not wait; typing does. */
static void
test_client_without_sm(void)
{
	struct house h = move_in("a client that does not acknowledge");

	on_shard(h.f, home_shard(h.orchard), says_inactive, h.orchard);
	tells(&h, h.juliet, ORCHARD, TYPING);
	is_quiet(h.orchard);
	tells(&h, h.juliet, ORCHARD, MARK("1"));
	is_bodies(h.orchard, "(no body)", "(no body)");
	acks(&h, h.phone, 2);
	is_handled(h.juliet, 2);
	flow_end(&h.f);
}

int
main(void)
{
	test_copy_is_owed();
	test_one_row(SC_OWED_KEPT);
	test_one_row(SC_OWED_FAILED);
	test_all_die();
	test_sent();
	test_end_in_mid_row(SC_OWED_KEPT);
	test_end_in_mid_row(SC_OWED_FAILED);
	test_receipt_waits();
	test_receipt_refused();
	test_mark_in_place_of_another();
	test_dies_with_what_waits();
	test_client_without_sm();
	test_sleep(false, 0, 10);
	test_sleep(true, 0, 72 * 60);
	test_sleep(true, 120000, 2);
	return done_testing();
}
