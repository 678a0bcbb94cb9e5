/* SPDX-License-Identifier: MIT */
/*
 * roster_state: the nine subscription states of RFC 6121 Appendix A and what each subscription
 * stanza does to them. Pure data and look-ups: no stanzas, no database.
 */
#ifndef ROSTER_STATE_H
#define ROSTER_STATE_H

#include <stonechat/hook.h>

/* A.1. "In" and "out" are requests that nobody has answered yet. */
enum roster_state {
	STATE_NONE, STATE_NONE_OUT, STATE_NONE_IN, STATE_NONE_OUT_IN,
	STATE_TO, STATE_TO_IN,
	STATE_FROM, STATE_FROM_OUT,
	STATE_BOTH,
	STATES
};

enum roster_reply { REPLY_NONE, REPLY_SUBSCRIBED, REPLY_UNSUBSCRIBED };

/* What happens in one row of a table. */
struct roster_step {
	enum roster_state next;
	bool pass;                      /* outbound: route it; inbound: deliver it */
	bool approve;                   /* remember it as a pre-approval (§3.4) */
	enum roster_reply reply;        /* inbound: the server answers for the user */
};

/* type is one of the four subscription types. */
const struct roster_step *roster_outbound(enum sc_type type, enum roster_state);
/* approved: the user has said "subscribed" before he was asked. */
const struct roster_step *roster_inbound(enum sc_type type, enum roster_state, bool approved);

/* Is it subscribe, subscribed, unsubscribe or unsubscribed? */
bool roster_is_subscription(enum sc_type type);
enum roster_state roster_state_of(enum sc_subscription, bool out, bool in);
enum sc_subscription roster_state_subscription(enum roster_state);
bool roster_state_out(enum roster_state);               /* ask='subscribe' */
bool roster_state_in(enum roster_state);

#endif
