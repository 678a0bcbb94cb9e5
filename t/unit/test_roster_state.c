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

/* Tables 2 to 5. pass: MUST, or not (S.N., M.N.). NULL as next: no state change; "+" after it: pre-approval. */
static const struct {
	enum sc_type type;
	const char *state;
	bool route;
	const char *next;
} outbound[] = {
	{ SC_TYPE_SUBSCRIBE, "None", true, "None + Pending Out" },
	{ SC_TYPE_SUBSCRIBE, "None + Pending Out", true, NULL },
	{ SC_TYPE_SUBSCRIBE, "None + Pending In", true, "None + Pending Out+In" },
	{ SC_TYPE_SUBSCRIBE, "None + Pending Out+In", true, NULL },
	{ SC_TYPE_SUBSCRIBE, "To", true, NULL },
	{ SC_TYPE_SUBSCRIBE, "To + Pending In", true, NULL },
	{ SC_TYPE_SUBSCRIBE, "From", true, "From + Pending Out" },
	{ SC_TYPE_SUBSCRIBE, "From + Pending Out", true, NULL },
	{ SC_TYPE_SUBSCRIBE, "Both", true, NULL },

	{ SC_TYPE_UNSUBSCRIBE, "None", true, NULL },
	{ SC_TYPE_UNSUBSCRIBE, "None + Pending Out", true, "None" },
	{ SC_TYPE_UNSUBSCRIBE, "None + Pending In", true, NULL },
	{ SC_TYPE_UNSUBSCRIBE, "None + Pending Out+In", true, "None + Pending In" },
	{ SC_TYPE_UNSUBSCRIBE, "To", true, "None" },
	{ SC_TYPE_UNSUBSCRIBE, "To + Pending In", true, "None + Pending In" },
	{ SC_TYPE_UNSUBSCRIBE, "From", true, NULL },
	{ SC_TYPE_UNSUBSCRIBE, "From + Pending Out", true, "From" },
	{ SC_TYPE_UNSUBSCRIBE, "Both", true, "From" },

	{ SC_TYPE_SUBSCRIBED, "None", false, "+" },
	{ SC_TYPE_SUBSCRIBED, "None + Pending Out", false, "+" },
	{ SC_TYPE_SUBSCRIBED, "None + Pending In", true, "From" },
	{ SC_TYPE_SUBSCRIBED, "None + Pending Out+In", true, "From + Pending Out" },
	{ SC_TYPE_SUBSCRIBED, "To", false, "+" },
	{ SC_TYPE_SUBSCRIBED, "To + Pending In", true, "Both" },
	{ SC_TYPE_SUBSCRIBED, "From", false, NULL },
	{ SC_TYPE_SUBSCRIBED, "From + Pending Out", false, NULL },
	{ SC_TYPE_SUBSCRIBED, "Both", false, NULL },

	{ SC_TYPE_UNSUBSCRIBED, "None", false, NULL },
	{ SC_TYPE_UNSUBSCRIBED, "None + Pending Out", false, NULL },
	{ SC_TYPE_UNSUBSCRIBED, "None + Pending In", true, "None" },
	{ SC_TYPE_UNSUBSCRIBED, "None + Pending Out+In", true, "None + Pending Out" },
	{ SC_TYPE_UNSUBSCRIBED, "To", false, NULL },
	{ SC_TYPE_UNSUBSCRIBED, "To + Pending In", true, "To" },
	{ SC_TYPE_UNSUBSCRIBED, "From", true, "None" },
	{ SC_TYPE_UNSUBSCRIBED, "From + Pending Out", true, "None + Pending Out" },
	{ SC_TYPE_UNSUBSCRIBED, "Both", true, "To" },
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
	{ SC_TYPE_SUBSCRIBE, false, "None", true, "None + Pending In", REPLY_NONE },
	{ SC_TYPE_SUBSCRIBE, false, "None + Pending Out", true, "None + Pending Out+In", REPLY_NONE },
	{ SC_TYPE_SUBSCRIBE, false, "None + Pending In", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBE, false, "None + Pending Out+In", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBE, false, "To", true, "To + Pending In", REPLY_NONE },
	{ SC_TYPE_SUBSCRIBE, false, "To + Pending In", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBE, false, "From", false, NULL, REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, false, "From + Pending Out", false, NULL, REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, false, "Both", false, NULL, REPLY_SUBSCRIBED },

	{ SC_TYPE_SUBSCRIBE, true, "None", false, "From", REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "None + Pending Out", false, "From + Pending Out", REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "None + Pending In", false, "From", REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "None + Pending Out+In", false, "From + Pending Out", REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "To", false, "Both", REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "To + Pending In", false, "Both", REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "From", false, NULL, REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "From + Pending Out", false, NULL, REPLY_SUBSCRIBED },
	{ SC_TYPE_SUBSCRIBE, true, "Both", false, NULL, REPLY_SUBSCRIBED },

	{ SC_TYPE_UNSUBSCRIBE, false, "None", false, NULL, REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBE, false, "None + Pending Out", false, NULL, REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBE, false, "None + Pending In", true, "None", REPLY_UNSUBSCRIBED },
	{ SC_TYPE_UNSUBSCRIBE, false, "None + Pending Out+In", true, "None + Pending Out", REPLY_UNSUBSCRIBED },
	{ SC_TYPE_UNSUBSCRIBE, false, "To", false, NULL, REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBE, false, "To + Pending In", true, "To", REPLY_UNSUBSCRIBED },
	{ SC_TYPE_UNSUBSCRIBE, false, "From", true, "None", REPLY_UNSUBSCRIBED },
	{ SC_TYPE_UNSUBSCRIBE, false, "From + Pending Out", true, "None + Pending Out", REPLY_UNSUBSCRIBED },
	{ SC_TYPE_UNSUBSCRIBE, false, "Both", true, "To", REPLY_UNSUBSCRIBED },

	{ SC_TYPE_SUBSCRIBED, false, "None", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "None + Pending Out", true, "To", REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "None + Pending In", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "None + Pending Out+In", true, "To + Pending In", REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "To", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "To + Pending In", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "From", false, NULL, REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "From + Pending Out", true, "Both", REPLY_NONE },
	{ SC_TYPE_SUBSCRIBED, false, "Both", false, NULL, REPLY_NONE },

	{ SC_TYPE_UNSUBSCRIBED, false, "None", false, NULL, REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "None + Pending Out", true, "None", REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "None + Pending In", false, NULL, REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "None + Pending Out+In", true, "None + Pending In", REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "To", true, "None", REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "To + Pending In", true, "None + Pending In", REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "From", false, NULL, REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "From + Pending Out", true, "From", REPLY_NONE },
	{ SC_TYPE_UNSUBSCRIBED, false, "Both", true, "From", REPLY_NONE },
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
		enum roster_state next = outbound[i].next == NULL || approve ? was : state_named(outbound[i].next);

		ok(step->next == next && step->pass == outbound[i].route && step->approve == approve && step->reply == REPLY_NONE,
			"outbound %s at \"%s\"", verbs[outbound[i].type - SC_TYPE_SUBSCRIBE], outbound[i].state);
	}
}

static void
try_inbound(void)
{
	for (size_t i = 0; i < N_ELEMENTS(inbound); i++) {
		enum roster_state was = state_named(inbound[i].state);
		const struct roster_step *step = roster_inbound(inbound[i].type, was, inbound[i].approved);
		enum roster_state next = inbound[i].next == NULL ? was : state_named(inbound[i].next);

		ok(step->next == next && step->pass == inbound[i].deliver && step->reply == inbound[i].reply && !step->approve,
			"inbound %s at \"%s\"%s", verbs[inbound[i].type - SC_TYPE_SUBSCRIBE], inbound[i].state,
			inbound[i].approved ? ", approved" : "");
	}
}

/* The three parts make the state and the state its parts; parts that contradict each other give way. */
static void
try_parts(void)
{
	for (int s = 0; s < STATES; s++)
		ok(roster_state_of(roster_state_subscription((enum roster_state)s), roster_state_out((enum roster_state)s),
			roster_state_in((enum roster_state)s)) == (enum roster_state)s, "parts of \"%s\"", names[s].name);
	ok(roster_state_of(SC_SUB_TO, true, true) == STATE_TO_IN, "what is granted is not asked for");
	ok(roster_state_of(SC_SUB_BOTH, true, true) == STATE_BOTH, "nothing is pending when both see each other");
	ok(roster_state_of(SC_SUB_FROM, true, true) == STATE_FROM_OUT, "nor asked of us what we granted");
}

int
main(void)
{
	ok(N_ELEMENTS(outbound) == 4 * STATES && N_ELEMENTS(inbound) == 5 * STATES, "the test has every row");
	try_outbound();
	try_inbound();
	try_parts();
	return done_testing();
}
