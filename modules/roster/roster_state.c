/* SPDX-License-Identifier: MIT */
/* roster_state: the tables of RFC 6121 Appendix A, row by row as the RFC prints them. */
#include "roster/roster_state.h"

#include <stonechat/log.h>

#define PASS(state)           { .next = STATE_##state, .pass = true }
#define STAY(state)           { .next = STATE_##state }
#define APPROVE(state)        { .next = STATE_##state, .approve = true }
#define REPLY(state, what)    { .next = STATE_##state, .reply = REPLY_##what }
#define PASS_AND(state, what) { .next = STATE_##state, .pass = true, .reply = REPLY_##what }

/* --- A.2: outbound; pass means route --- */

static const struct roster_step out_subscribe[STATES] = {
	[STATE_NONE]        = PASS(NONE_OUT),
	[STATE_NONE_OUT]    = PASS(NONE_OUT),
	[STATE_NONE_IN]     = PASS(NONE_OUT_IN),
	[STATE_NONE_OUT_IN] = PASS(NONE_OUT_IN),
	[STATE_TO]          = PASS(TO),
	[STATE_TO_IN]       = PASS(TO_IN),
	[STATE_FROM]        = PASS(FROM_OUT),
	[STATE_FROM_OUT]    = PASS(FROM_OUT),
	[STATE_BOTH]        = PASS(BOTH),
};

static const struct roster_step out_unsubscribe[STATES] = {
	[STATE_NONE]        = PASS(NONE),
	[STATE_NONE_OUT]    = PASS(NONE),
	[STATE_NONE_IN]     = PASS(NONE_IN),
	[STATE_NONE_OUT_IN] = PASS(NONE_IN),
	[STATE_TO]          = PASS(NONE),
	[STATE_TO_IN]       = PASS(NONE_IN),
	[STATE_FROM]        = PASS(FROM),
	[STATE_FROM_OUT]    = PASS(FROM),
	[STATE_BOTH]        = PASS(FROM),
};

static const struct roster_step out_subscribed[STATES] = {
	[STATE_NONE]        = APPROVE(NONE),
	[STATE_NONE_OUT]    = APPROVE(NONE_OUT),
	[STATE_NONE_IN]     = PASS(FROM),
	[STATE_NONE_OUT_IN] = PASS(FROM_OUT),
	[STATE_TO]          = APPROVE(TO),
	[STATE_TO_IN]       = PASS(BOTH),
	[STATE_FROM]        = STAY(FROM),
	[STATE_FROM_OUT]    = STAY(FROM_OUT),
	[STATE_BOTH]        = STAY(BOTH),
};

/* A pre-approval is taken back whatever the state; that is not in the table. */
static const struct roster_step out_unsubscribed[STATES] = {
	[STATE_NONE]        = STAY(NONE),
	[STATE_NONE_OUT]    = STAY(NONE_OUT),
	[STATE_NONE_IN]     = PASS(NONE),
	[STATE_NONE_OUT_IN] = PASS(NONE_OUT),
	[STATE_TO]          = STAY(TO),
	[STATE_TO_IN]       = PASS(TO),
	[STATE_FROM]        = PASS(NONE),
	[STATE_FROM_OUT]    = PASS(NONE_OUT),
	[STATE_BOTH]        = PASS(TO),
};

/* --- A.3: inbound; pass means deliver --- */

static const struct roster_step in_subscribe[STATES] = {
	[STATE_NONE]        = PASS(NONE_IN),
	[STATE_NONE_OUT]    = PASS(NONE_OUT_IN),
	[STATE_NONE_IN]     = STAY(NONE_IN),
	[STATE_NONE_OUT_IN] = STAY(NONE_OUT_IN),
	[STATE_TO]          = PASS(TO_IN),
	[STATE_TO_IN]       = STAY(TO_IN),
	[STATE_FROM]        = REPLY(FROM, SUBSCRIBED),
	[STATE_FROM_OUT]    = REPLY(FROM_OUT, SUBSCRIBED),
	[STATE_BOTH]        = REPLY(BOTH, SUBSCRIBED),
};

/* Note [1] of table 6, and §3.4.2: the request was approved before it came. */
static const struct roster_step in_subscribe_approved[STATES] = {
	[STATE_NONE]        = REPLY(FROM, SUBSCRIBED),
	[STATE_NONE_OUT]    = REPLY(FROM_OUT, SUBSCRIBED),
	[STATE_NONE_IN]     = REPLY(FROM, SUBSCRIBED),
	[STATE_NONE_OUT_IN] = REPLY(FROM_OUT, SUBSCRIBED),
	[STATE_TO]          = REPLY(BOTH, SUBSCRIBED),
	[STATE_TO_IN]       = REPLY(BOTH, SUBSCRIBED),
	[STATE_FROM]        = REPLY(FROM, SUBSCRIBED),
	[STATE_FROM_OUT]    = REPLY(FROM_OUT, SUBSCRIBED),
	[STATE_BOTH]        = REPLY(BOTH, SUBSCRIBED),
};

static const struct roster_step in_unsubscribe[STATES] = {
	[STATE_NONE]        = STAY(NONE),
	[STATE_NONE_OUT]    = STAY(NONE_OUT),
	[STATE_NONE_IN]     = PASS_AND(NONE, UNSUBSCRIBED),
	[STATE_NONE_OUT_IN] = PASS_AND(NONE_OUT, UNSUBSCRIBED),
	[STATE_TO]          = STAY(TO),
	[STATE_TO_IN]       = PASS_AND(TO, UNSUBSCRIBED),
	[STATE_FROM]        = PASS_AND(NONE, UNSUBSCRIBED),
	[STATE_FROM_OUT]    = PASS_AND(NONE_OUT, UNSUBSCRIBED),
	[STATE_BOTH]        = PASS_AND(TO, UNSUBSCRIBED),
};

static const struct roster_step in_subscribed[STATES] = {
	[STATE_NONE]        = STAY(NONE),
	[STATE_NONE_OUT]    = PASS(TO),
	[STATE_NONE_IN]     = STAY(NONE_IN),
	[STATE_NONE_OUT_IN] = PASS(TO_IN),
	[STATE_TO]          = STAY(TO),
	[STATE_TO_IN]       = STAY(TO_IN),
	[STATE_FROM]        = STAY(FROM),
	[STATE_FROM_OUT]    = PASS(BOTH),
	[STATE_BOTH]        = STAY(BOTH),
};

static const struct roster_step in_unsubscribed[STATES] = {
	[STATE_NONE]        = STAY(NONE),
	[STATE_NONE_OUT]    = PASS(NONE),
	[STATE_NONE_IN]     = STAY(NONE_IN),
	[STATE_NONE_OUT_IN] = PASS(NONE_IN),
	[STATE_TO]          = PASS(NONE),
	[STATE_TO_IN]       = PASS(NONE_IN),
	[STATE_FROM]        = STAY(FROM),
	[STATE_FROM_OUT]    = PASS(FROM),
	[STATE_BOTH]        = PASS(FROM),
};

const struct roster_step *
roster_outbound(enum sc_type type, enum roster_state state)
{
	sc_assert(roster_is_subscription(type) && state < STATES);
	switch (type) {
	case SC_TYPE_SUBSCRIBE:
		return &out_subscribe[state];
	case SC_TYPE_UNSUBSCRIBE:
		return &out_unsubscribe[state];
	case SC_TYPE_SUBSCRIBED:
		return &out_subscribed[state];
	default:
		return &out_unsubscribed[state];
	}
}

const struct roster_step *
roster_inbound(enum sc_type type, enum roster_state state, bool approved)
{
	sc_assert(roster_is_subscription(type) && state < STATES);
	switch (type) {
	case SC_TYPE_SUBSCRIBE:
		return approved ? &in_subscribe_approved[state] : &in_subscribe[state];
	case SC_TYPE_UNSUBSCRIBE:
		return &in_unsubscribe[state];
	case SC_TYPE_SUBSCRIBED:
		return &in_subscribed[state];
	default:
		return &in_unsubscribed[state];
	}
}

bool
roster_is_subscription(enum sc_type type)
{
	return type == SC_TYPE_SUBSCRIBE || type == SC_TYPE_SUBSCRIBED ||
		type == SC_TYPE_UNSUBSCRIBE || type == SC_TYPE_UNSUBSCRIBED;
}

/* --- a state and its three parts --- */

static const struct { enum sc_subscription subscription; bool out, in; } parts[STATES] = {
	[STATE_NONE]        = { SC_SUB_NONE, false, false },
	[STATE_NONE_OUT]    = { SC_SUB_NONE, true, false },
	[STATE_NONE_IN]     = { SC_SUB_NONE, false, true },
	[STATE_NONE_OUT_IN] = { SC_SUB_NONE, true, true },
	[STATE_TO]          = { SC_SUB_TO, false, false },
	[STATE_TO_IN]       = { SC_SUB_TO, false, true },
	[STATE_FROM]        = { SC_SUB_FROM, false, false },
	[STATE_FROM_OUT]    = { SC_SUB_FROM, true, false },
	[STATE_BOTH]        = { SC_SUB_BOTH, false, false },
};

/* A request for what is granted is none: "to" is never pending out, "from" never pending in. */
enum roster_state
roster_state_of(enum sc_subscription subscription, bool out, bool in)
{
	out = out && !(subscription & SC_SUB_TO);
	in = in && !(subscription & SC_SUB_FROM);
	for (int s = 0; s < STATES; s++)
		if (parts[s].subscription == subscription && parts[s].out == out &&
		    parts[s].in == in)
			return (enum roster_state)s;
	return STATE_NONE;
}

enum sc_subscription
roster_state_subscription(enum roster_state state)
{
	return parts[state].subscription;
}

bool
roster_state_out(enum roster_state state)
{
	return parts[state].out;
}

bool
roster_state_in(enum roster_state state)
{
	return parts[state].in;
}
