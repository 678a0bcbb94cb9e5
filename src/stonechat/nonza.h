/* SPDX-License-Identifier: MIT */
/*
 * nonza: elements of a client's stream that are no stanzas (XEP-0360), such as <inactive/>. They
 * are not counted by XEP-0198, have no addresses and get no error; what nobody claims ends the
 * stream with unsupported-stanza-type.
 */
#ifndef STONECHAT_NONZA_H
#define STONECHAT_NONZA_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

enum sc_nonza_at {
	/* by itself, on a bound stream; at once, before what the stream sends after it */
	SC_NONZA_STREAM = 1,
	/* within a request of Bind 2 (XEP-0386), once the session is there; its namespace is
	 * offered as <inline/> */
	SC_NONZA_BIND = 2,
};

struct sc_nonza {
	unsigned at;
	const char *ns, *name;
	void (*fn)(struct sc_ctx *, const struct sc_elem *);    /* sc_session(ctx) is never NULL */
};

#pragma GCC visibility pop

#endif
