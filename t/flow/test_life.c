/* SPDX-License-Identifier: MIT */
/* Modules, hosts, slots and time: what is disabled in mid-flight, what a host does not run, what is
 * freed, what a jump of the clock does. */
#include "config.h"

#include "../unit/tap.h"
#include "base/stats.h"
#include "core/session.h"
#include "flow.h"
#include "plugin/module.h"

#define HOLD_FROM "<hold-from xmlns='urn:flow'/>"
#define HOLD_TO "<hold-to xmlns='urn:flow'/>"

static void
chat(struct client *from, const char *to, const char *body, const char *more)
{
	feed(from, "<message to='%s' type='chat'><body>%s</body>%s</message>", to, body, more);
}

/* --- slots --- */

static struct {
	int made, freed;
} slots[4];

struct mine {
	int at;
	bool used;
};

static void
slot_fini(void *p)
{
	struct mine *m = p;

	if (m->used)
		slots[m->at].freed++;
}

static SC_SLOT(session_slot, SC_SLOT_SESSION, struct mine, slot_fini);
static SC_SLOT(second_slot, SC_SLOT_SESSION, struct mine, slot_fini);
static SC_SLOT(entity_slot, SC_SLOT_ENTITY, struct mine, slot_fini);
static SC_SLOT(host_slot, SC_SLOT_HOST, struct mine, slot_fini);
static SC_SLOT(shard_slot, SC_SLOT_SHARD, struct mine, slot_fini);

static void
use(struct mine *m, int at)
{
	if (m->used)
		return;
	m->used = true;
	m->at = at;
	slots[at].made++;
}

static void
use_slots(struct sc_ctx *ctx, const struct sc_ev_presence *ev)
{
	struct sc_entity *e = sc_session_account(ev->session);

	(void)ctx;
	ok(sc_session_slot_peek(ev->session, &session_slot) == NULL || ev->was_available,
		"empty before its first use");
	use(sc_session_slot(ev->session, &session_slot), SC_SLOT_SESSION);
	use(sc_session_slot(ev->session, &second_slot), SC_SLOT_SESSION);
	use(sc_entity_slot(e, &entity_slot), SC_SLOT_ENTITY);
	use(sc_host_slot(sc_entity_host(e), &host_slot), SC_SLOT_HOST);
	use(sc_shard_slot(&shard_slot), SC_SLOT_SHARD);
}

static void
still_there(struct sc_ctx *ctx, const struct sc_ev_session *ev)
{
	(void)ctx;
	ok(sc_session_slot_peek(ev->session, &session_slot) != NULL,
		"the slots of a session that goes are still there");
}

static const struct sc_hook hooks[] = { SC_SEE(session_presence, use_slots),
	SC_SEE(session_gone, still_there), SC_END };

SC_MODULE(slotty,
	.summary = "Uses slots.",
	.hooks = hooks,
	.slots = SC_SLOTS(&session_slot, &second_slot, &entity_slot, &host_slot, &shard_slot)
);

static void
test_slots(void)
{
	static const struct sc_module *const modules[] = { &sc_module_slotty, NULL };
	struct flow *f = flow_start(.shards = 2, .modules = modules);
	const char *names[] = { "a@here/x", "a@here/y", "b@here/x", "c@there/x" };
	struct client *c[4];

	printf("# slots\n");
	for (int i = 0; i < 4; i++)
		c[i] = come(f, names[i]);
	is_int(slots[SC_SLOT_SESSION].made, 8, "two of each session");
	is_int(slots[SC_SLOT_ENTITY].made, 3, "one of each account");
	hang_up(c[0]);
	run(f);
	is_int(slots[SC_SLOT_SESSION].freed, 0, "a session that somebody looks at keeps them");
	flow_end(&f);
	for (int i = 0; i < 4; i++)
		is_int(slots[i].freed, slots[i].made, "all slots of kind %d are freed", i);
}

/* --- modules off --- */

static char caps[2][64];

static void
compute_caps(void *arg)
{
	snprintf(arg, sizeof caps[0], "%s", sc_disco_caps(sc_host_find(SC_SPAN("here"))));
}

/* A module that is disabled is called no more; what waits in it still ends. */
static void
test_disabled(void)
{
	struct flow *f = flow_start(.shards = 2);
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");

	printf("# a module is disabled\n");
	pause_statement(f, "flow_hold_to");
	pause_statement(f, "flow_hold_from");
	pause_statement(f, "flow_ask");
	chat(romeo, "juliet@here", "1", HOLD_TO);
	run(f);
	chat(romeo, "juliet@here", "2", HOLD_FROM);
	feed(romeo, "<iq type='get' id='a' to='juliet@here'><ask xmlns='urn:flow'/></iq>");
	feed(juliet, "<iq type='get' id='j'><ask xmlns='urn:flow'/></iq>");
	run(f);
	on_shard(f, 0, compute_caps, caps[0]);
	ok(module_disable("tiny") && module_disable("tiny"), "disabled");
	ok(!module_disable("nobody"), "one that is not there");
	chat(romeo, "juliet@here", "3", HOLD_TO);
	run(f);
	is_quiet(juliet);
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_bodies(juliet, "1");
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_bodies(juliet, "2", "3");
	is_seen(romeo, "error a service-unavailable");
	finish_one(f, "flow_ask", SC_DB_OK);
	is_seen(juliet, "result j");
	feed(juliet, "<iq type='get' id='k'><now xmlns='urn:flow'/></iq>");
	run(f);
	is_seen(juliet, "error k service-unavailable");
	on_shard(f, 0, compute_caps, caps[1]);
	ok(strcmp(caps[0], caps[1]) != 0, "the server's capabilities are other ones");
	flow_end(&f);
}

/* A host that does not run a module: for its accounts, and for itself. */
static void
test_off_at_host(void)
{
	struct flow *f = flow_start(.shards = 2, .hosts = "{ name = \"here\"; }, { name = "
		"\"there\"; modules_off = ( \"tiny\" ); }");
	struct client *romeo = come(f, "romeo@here/orchard"), *juliet = bind_client(f,
	"juliet@there/balcony");

	printf("# a module that a host does not run\n");
	pause_statement(f, "flow_hold_to");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@there/balcony", "1", HOLD_TO);
	chat(juliet, "romeo@here", "2", HOLD_FROM);
	chat(juliet, "romeo@here", "3", HOLD_TO);
	feed(romeo, "<iq type='get' id='a' to='there'><now xmlns='urn:flow'/></iq>");
	feed(romeo, "<iq type='get' id='b' to='juliet@there'><now xmlns='urn:flow'/></iq>");
	feed(juliet, "<iq type='get' id='c' to='here'><now xmlns='urn:flow'/></iq>");
	run(f);
	is_bodies(juliet, "1");
	is_int(waiting_for(f, "flow_hold_from"), 0, "the sender's host does not hold");
	is_int(waiting_for(f, "flow_hold_to"), 1, "the recipient's host does");
	finish_one(f, "flow_hold_to", SC_DB_OK);
	is_seen(romeo, "2", "error a service-unavailable", "error b service-unavailable", "3");
	flow_end(&f);
}

/* --- time --- */

/* The wall clock jumps a day ahead and two back: nobody times out, nothing stops. */
static void
test_wall_jumps(void)
{
	struct flow *f = flow_start(.shards = 2,
		.conf = "c2s = { require_tls = false; allow_plain_without_tls = true; };");
	struct client *romeo = come(f, "romeo@here/orchard"),
		*juliet = come(f, "juliet@here/balcony");
	struct peer *p = connect_peer(f, 0);

	printf("# the clock jumps\n");
	pause_statement(f, "flow_hold_from");
	chat(romeo, "juliet@here", "1", HOLD_FROM);
	open_stream(p, "here");
	for (int64_t days = 1; days >= -2; days -= 3) {
		wall_jumps(f, days * 86400000);
		chat(juliet, "romeo@here", "x", "");
		run(f);
		is_bodies(romeo, "x");
		ok(!is_closed(p), "the stream that logs in is open");
	}
	finish_one(f, "flow_hold_from", SC_DB_OK);
	is_bodies(juliet, "1");
	/* The same in monotonic time is a login that took too long, and nothing else. */
	pass_time(f, 86400000);
	ok(is_closed(p), "a day passes");
	chat(romeo, "juliet@here", "2", "");
	run(f);
	is_bodies(juliet, "2");
	flow_end(&f);
}

/* What nobody uses leaves memory after a minute; what somebody refers to stays. */
static void
test_unloading(void)
{
	struct flow *f = flow_start(.shards = 1);
	struct client *romeo = come(f, "romeo@here/orchard");
	int before;

	printf("# unloading\n");
	tiny.keep = true;
	account(f, "juliet@here");
	chat(romeo, "juliet@here", "1", "");
	run(f);
	is_int(counted(f, STAT_entities_now), 2, "two accounts");
	before = asked(f, "account_load");
	pass_time(f, 59000);
	chat(romeo, "juliet@here", "2", "");
	run(f);
	is_int(asked(f, "account_load"), before, "still there");
	pass_time(f, 59000);
	is_int(counted(f, STAT_entities_now), 2, "it was used in between");
	pass_time(f, 2000);
	is_int(counted(f, STAT_entities_now), 1, "unloaded");
	pause_statement(f, "account_load");
	chat(romeo, "juliet@here", "3", "");
	run(f);
	pass_time(f, 300000);
	is_int(counted(f, STAT_entities_now), 2, "one that is being loaded stays");
	unpause_statement(f, "account_load");
	is_text(tiny.kept, "1 2 3", "and gets what waited");
	flow_end(&f);
}

int
main(void)
{
	test_slots();
	test_disabled();
	test_off_at_host();
	test_wall_jumps();
	test_unloading();
	return done_testing();
}
