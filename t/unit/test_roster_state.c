/* SPDX-License-Identifier: MIT */
/* Every row of the tables 2 to 9 of RFC 6121 Appendix A, written as the RFC prints them. */
#include "config.h"

#include "roster/roster_state.h"
#include "tap.h"

static const struct {
	const char *name;
	enum roster_state state;
} names[] = {
	{ "None", STATE_NONE },
	{ "None + Pending Out", STATE_NONE_OUT },
	{ "None + Pending In", STATE_NONE_IN },
	{ "None + Pending Out+In", STATE_NONE_OUT_IN },
	{ "To", STATE_TO },
	{ "To + Pending In", STATE_TO_IN },
	{ "From", STATE_FROM },
	{ "From + Pending Out", STATE_FROM_OUT },
	{ "Both", STATE_BOTH },
};

/* Tables 2 to 5. pass: MUST, or not (S.N., M.N.). NULL as next: no state change; "+" after it:
 * pre-approval. */
static const struct {
	enum sc_type type;
	const char *state;
	bool route;
	const char *next;
} outbound[] = {
#define ROW(type, state, route, next) { SC_TYPE_##type, state, route, next }
	ROW(SUBSCRIBE, "None", true, "None + Pending Out"),
	ROW(SUBSCRIBE, "None + Pending Out", true, NULL),
	ROW(SUBSCRIBE, "None + Pending In", true, "None + Pending Out+In"),
	ROW(SUBSCRIBE, "None + Pending Out+In", true, NULL),
	ROW(SUBSCRIBE, "To", true, NULL),
	ROW(SUBSCRIBE, "To + Pending In", true, NULL),
	ROW(SUBSCRIBE, "From", true, "From + Pending Out"),
	ROW(SUBSCRIBE, "From + Pending Out", true, NULL),
	ROW(SUBSCRIBE, "Both", true, NULL),

	ROW(UNSUBSCRIBE, "None", true, NULL),
	ROW(UNSUBSCRIBE, "None + Pending Out", true, "None"),
	ROW(UNSUBSCRIBE, "None + Pending In", true, NULL),
	ROW(UNSUBSCRIBE, "None + Pending Out+In", true, "None + Pending In"),
	ROW(UNSUBSCRIBE, "To", true, "None"),
	ROW(UNSUBSCRIBE, "To + Pending In", true, "None + Pending In"),
	ROW(UNSUBSCRIBE, "From", true, NULL),
	ROW(UNSUBSCRIBE, "From + Pending Out", true, "From"),
	ROW(UNSUBSCRIBE, "Both", true, "From"),

	ROW(SUBSCRIBED, "None", false, "+"),
	ROW(SUBSCRIBED, "None + Pending Out", false, "+"),
	ROW(SUBSCRIBED, "None + Pending In", true, "From"),
	ROW(SUBSCRIBED, "None + Pending Out+In", true, "From + Pending Out"),
	ROW(SUBSCRIBED, "To", false, "+"),
	ROW(SUBSCRIBED, "To + Pending In", true, "Both"),
	ROW(SUBSCRIBED, "From", false, NULL),
	ROW(SUBSCRIBED, "From + Pending Out", false, NULL),
	ROW(SUBSCRIBED, "Both", false, NULL),

	ROW(UNSUBSCRIBED, "None", false, NULL),
	ROW(UNSUBSCRIBED, "None + Pending Out", false, NULL),
	ROW(UNSUBSCRIBED, "None + Pending In", true, "None"),
	ROW(UNSUBSCRIBED, "None + Pending Out+In", true, "None + Pending Out"),
	ROW(UNSUBSCRIBED, "To", false, NULL),
	ROW(UNSUBSCRIBED, "To + Pending In", true, "To"),
	ROW(UNSUBSCRIBED, "From", true, "None"),
	ROW(UNSUBSCRIBED, "From + Pending Out", true, "None + Pending Out"),
	ROW(UNSUBSCRIBED, "Both", true, "To"),
#undef ROW
};

/* Tables 6 to 9, and the pre-approved form of table 6. */
static const struct {
	enum sc_type type;
	bool approved;
	const char *state;
	bool deliver;
	const char *next;
	enum roster_reply reply;
} inbound[] = {
#define ROW(type, approved, state, deliver, next, reply) \
	{ SC_TYPE_##type, approved, state, deliver, next, REPLY_##reply }
	ROW(SUBSCRIBE, false, "None", true, "None + Pending In", NONE),
	ROW(SUBSCRIBE, false, "None + Pending Out", true, "None + Pending Out+In", NONE),
	ROW(SUBSCRIBE, false, "None + Pending In", false, NULL, NONE),
	ROW(SUBSCRIBE, false, "None + Pending Out+In", false, NULL, NONE),
	ROW(SUBSCRIBE, false, "To", true, "To + Pending In", NONE),
	ROW(SUBSCRIBE, false, "To + Pending In", false, NULL, NONE),
	ROW(SUBSCRIBE, false, "From", false, NULL, SUBSCRIBED),
	ROW(SUBSCRIBE, false, "From + Pending Out", false, NULL, SUBSCRIBED),
	ROW(SUBSCRIBE, false, "Both", false, NULL, SUBSCRIBED),

	ROW(SUBSCRIBE, true, "None", false, "From", SUBSCRIBED),
	ROW(SUBSCRIBE, true, "None + Pending Out", false, "From + Pending Out", SUBSCRIBED),
	ROW(SUBSCRIBE, true, "None + Pending In", false, "From", SUBSCRIBED),
	ROW(SUBSCRIBE, true, "None + Pending Out+In", false, "From + Pending Out", SUBSCRIBED),
	ROW(SUBSCRIBE, true, "To", false, "Both", SUBSCRIBED),
	ROW(SUBSCRIBE, true, "To + Pending In", false, "Both", SUBSCRIBED),
	ROW(SUBSCRIBE, true, "From", false, NULL, SUBSCRIBED),
	ROW(SUBSCRIBE, true, "From + Pending Out", false, NULL, SUBSCRIBED),
	ROW(SUBSCRIBE, true, "Both", false, NULL, SUBSCRIBED),

	ROW(UNSUBSCRIBE, false, "None", false, NULL, NONE),
	ROW(UNSUBSCRIBE, false, "None + Pending Out", false, NULL, NONE),
	ROW(UNSUBSCRIBE, false, "None + Pending In", true, "None", UNSUBSCRIBED),
	ROW(UNSUBSCRIBE, false, "None + Pending Out+In", true, "None + Pending Out", UNSUBSCRIBED),
	ROW(UNSUBSCRIBE, false, "To", false, NULL, NONE),
	ROW(UNSUBSCRIBE, false, "To + Pending In", true, "To", UNSUBSCRIBED),
	ROW(UNSUBSCRIBE, false, "From", true, "None", UNSUBSCRIBED),
	ROW(UNSUBSCRIBE, false, "From + Pending Out", true, "None + Pending Out", UNSUBSCRIBED),
	ROW(UNSUBSCRIBE, false, "Both", true, "To", UNSUBSCRIBED),

	ROW(SUBSCRIBED, false, "None", false, NULL, NONE),
	ROW(SUBSCRIBED, false, "None + Pending Out", true, "To", NONE),
	ROW(SUBSCRIBED, false, "None + Pending In", false, NULL, NONE),
	ROW(SUBSCRIBED, false, "None + Pending Out+In", true, "To + Pending In", NONE),
	ROW(SUBSCRIBED, false, "To", false, NULL, NONE),
	ROW(SUBSCRIBED, false, "To + Pending In", false, NULL, NONE),
	ROW(SUBSCRIBED, false, "From", false, NULL, NONE),
	ROW(SUBSCRIBED, false, "From + Pending Out", true, "Both", NONE),
	ROW(SUBSCRIBED, false, "Both", false, NULL, NONE),

	ROW(UNSUBSCRIBED, false, "None", false, NULL, NONE),
	ROW(UNSUBSCRIBED, false, "None + Pending Out", true, "None", NONE),
	ROW(UNSUBSCRIBED, false, "None + Pending In", false, NULL, NONE),
	ROW(UNSUBSCRIBED, false, "None + Pending Out+In", true, "None + Pending In", NONE),
	ROW(UNSUBSCRIBED, false, "To", true, "None", NONE),
	ROW(UNSUBSCRIBED, false, "To + Pending In", true, "None + Pending In", NONE),
	ROW(UNSUBSCRIBED, false, "From", false, NULL, NONE),
	ROW(UNSUBSCRIBED, false, "From + Pending Out", true, "From", NONE),
	ROW(UNSUBSCRIBED, false, "Both", true, "From", NONE),
#undef ROW
};

static const char *const verbs[] = { "subscribe", "subscribed", "unsubscribe", "unsubscribed" };

static enum roster_state
state_named(const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		if (sc_same(names[i].name, name))
			return names[i].state;
	return STATES;
}

static void
try_outbound(void)
{
	for (size_t i = 0; i < N_ELEMENTS(outbound); i++) {
		enum roster_state was = state_named(outbound[i].state);
		const struct roster_step *step = roster_outbound(outbound[i].type, was);
		bool approve = sc_same(outbound[i].next, "+");
		bool stays = outbound[i].next == NULL || approve;
		enum roster_state next = stays ? was : state_named(outbound[i].next);

		ok(step->next == next && step->pass == outbound[i].route &&
			step->approve == approve && step->reply == REPLY_NONE,
			"outbound %s at \"%s\"", verbs[outbound[i].type - SC_TYPE_SUBSCRIBE],
			outbound[i].state);
	}
}

static void
try_inbound(void)
{
	for (size_t i = 0; i < N_ELEMENTS(inbound); i++) {
		enum roster_state was = state_named(inbound[i].state);
		const struct roster_step *step = roster_inbound(inbound[i].type, was,
			inbound[i].approved);
		enum roster_state next = inbound[i].next == NULL ? was :
			state_named(inbound[i].next);

		ok(step->next == next && step->pass == inbound[i].deliver &&
			step->reply == inbound[i].reply && !step->approve,
			"inbound %s at \"%s\"%s", verbs[inbound[i].type - SC_TYPE_SUBSCRIBE],
			inbound[i].state, inbound[i].approved ? ", approved" : "");
	}
}

/* The three parts make the state and the state its parts; parts that contradict each other give
 * way. */
static void
try_parts(void)
{
	for (enum roster_state s = 0; s < STATES; s++)
		ok(roster_state_of(roster_state_subscription(s), roster_state_out(s),
			roster_state_in(s)) == s, "parts of \"%s\"", names[s].name);
	ok(roster_state_of(SC_SUB_TO, true, true) == STATE_TO_IN,
		"what is granted is not asked for");
	ok(roster_state_of(SC_SUB_BOTH, true, true) == STATE_BOTH,
		"nothing is pending when both see each other");
	ok(roster_state_of(SC_SUB_FROM, true, true) == STATE_FROM_OUT,
		"nor asked of us what we granted");
}

int
main(void)
{
	ok(N_ELEMENTS(outbound) == 4 * STATES && N_ELEMENTS(inbound) == 5 * STATES,
		"the test has every row");
	try_outbound();
	try_inbound();
	try_parts();
	return done_testing();
}
