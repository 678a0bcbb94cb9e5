/* SPDX-License-Identifier: MIT */
/* presence_check: what a client may not send (RFC 6121 §4.7.2), before anybody else sees it. */
#include "presence/presence.h"

#include <string.h>

/* xs:byte: an integer from -128 to 127, with white space around it. */
bool
presence_is_priority(const char *text)
{
	const char *space = " \t\r\n", *digits;
	int value = 0;

	text += strspn(text, space);
	digits = text + (*text == '-' || *text == '+');
	if (*digits < '0' || *digits > '9')
		return false;
	for (; *digits >= '0' && *digits <= '9'; digits++) {
		value = value * 10 + (*digits - '0');
		if (value > 128)
			return false;
	}
	return (value <= 127 || *text == '-') && digits[strspn(digits, space)] == '\0';
}

static int
count_children(const struct sc_stanza *s, const char *name)
{
	int n = 0;

	for (const struct sc_elem *e = sc_first(sc_root(s)); e != NULL; e = sc_next(e))
		n += sc_is(e, SC_NS_CONTENT, name);
	return n;
}

static enum sc_verdict
refuse(struct sc_ctx *ctx, enum sc_cond cond, const char *text)
{
	sc_count(presence_refused, 1);
	return sc_refuse(ctx, cond, text);
}

enum sc_verdict
presence_check(struct sc_ctx *ctx, struct sc_ev_stanza *ev)
{
	const struct presence_conf *conf = sc_conf(ctx);
	const struct sc_elem *priority = sc_find(ev->stanza, SC_NS_CONTENT, "priority");
	size_t n;

	if (sc_kind(ev->stanza) != SC_PRESENCE || sc_type(ev->stanza) == SC_TYPE_ERROR)
		return SC_PASS;
	/* It is copied once for each contact. */
	sc_stanza_text(sc_arena(ctx), ev->stanza, &n);
	if ((int64_t)n > conf->max_size)
		return refuse(ctx, SC_COND_POLICY_VIOLATION, "This presence is too large.");
	if (sc_type(ev->stanza) != SC_TYPE_AVAILABLE)
		return SC_PASS;
	if (count_children(ev->stanza, "priority") > 1 || count_children(ev->stanza, "show") > 1)
		return refuse(ctx, SC_COND_BAD_REQUEST, "Presence has one priority and one show.");
	if (priority != NULL && !presence_is_priority(sc_text_in(sc_arena(ctx), priority)))
		return refuse(ctx, SC_COND_BAD_REQUEST, "A priority is a number from -128 to 127.");
	return SC_PASS;
}
