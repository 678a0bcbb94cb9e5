/* SPDX-License-Identifier: MIT */
/* error: stanza errors (RFC 6120 §8.3) and the empty result. */
#include "config.h"

#include <string.h>

#include "xmpp/types.h"
#include <stonechat/log.h>

/* §8.3.3: the names, and the type that the RFC gives each. Where it leaves a choice:
 * policy-violation does not go away by waiting, undefined-condition promises nothing. */
static const struct {
	const char *name, *type;
} conds[] = {
	[SC_COND_BAD_REQUEST] = { "bad-request", "modify" },
	[SC_COND_CONFLICT] = { "conflict", "cancel" },
	[SC_COND_FEATURE_NOT_IMPLEMENTED] = { "feature-not-implemented", "cancel" },
	[SC_COND_FORBIDDEN] = { "forbidden", "auth" },
	[SC_COND_GONE] = { "gone", "cancel" },
	[SC_COND_INTERNAL] = { "internal-server-error", "cancel" },
	[SC_COND_ITEM_NOT_FOUND] = { "item-not-found", "cancel" },
	[SC_COND_JID_MALFORMED] = { "jid-malformed", "modify" },
	[SC_COND_NOT_ACCEPTABLE] = { "not-acceptable", "modify" },
	[SC_COND_NOT_ALLOWED] = { "not-allowed", "cancel" },
	[SC_COND_NOT_AUTHORIZED] = { "not-authorized", "auth" },
	[SC_COND_POLICY_VIOLATION] = { "policy-violation", "modify" },
	[SC_COND_RECIPIENT_UNAVAILABLE] = { "recipient-unavailable", "wait" },
	[SC_COND_REDIRECT] = { "redirect", "modify" },
	[SC_COND_REGISTRATION_REQUIRED] = { "registration-required", "auth" },
	[SC_COND_REMOTE_SERVER_NOT_FOUND] = { "remote-server-not-found", "cancel" },
	[SC_COND_REMOTE_SERVER_TIMEOUT] = { "remote-server-timeout", "wait" },
	[SC_COND_RESOURCE_CONSTRAINT] = { "resource-constraint", "wait" },
	[SC_COND_SERVICE_UNAVAILABLE] = { "service-unavailable", "cancel" },
	[SC_COND_SUBSCRIPTION_REQUIRED] = { "subscription-required", "auth" },
	[SC_COND_UNDEFINED] = { "undefined-condition", "cancel" },
	[SC_COND_UNEXPECTED_REQUEST] = { "unexpected-request", "wait" },
};

#define CONDS ((int)(sizeof(conds) / sizeof(conds[0])))

const char *
sc_cond_name(enum sc_cond cond)
{
	sc_assert((int)cond < CONDS);
	return conds[cond].name;
}

static bool
may_be_answered(const struct sc_stanza *s)
{
	return s->kind != SC_NONZA && s->type != SC_TYPE_ERROR && s->type != SC_TYPE_RESULT;
}

struct sc_stanza *
sc_error_to(const struct sc_stanza *s, enum sc_cond cond, const char *text)
{
	struct sc_stanza *answer;
	struct sc_elem *error;

	if (!may_be_answered(s))
		return NULL;
	answer = sc_stanza_new(s->kind, SC_TYPE_ERROR, s->to, s->from, s->id);
	error = sc_add(answer, answer->root, NULL, "error");
	sc_assert((int)cond < CONDS);
	sc_set_attr(answer, error, "type", conds[cond].type);
	sc_add(answer, error, SC_NS_STANZAS, conds[cond].name);
	if (text != NULL) {
		struct sc_elem *e = sc_add_with_text(answer, error, SC_NS_STANZAS, "text", text);

		tree_attr(answer->arena, e, XML_NS_XML, "lang", "en");
	}
	return answer;
}

enum sc_cond
sc_error_cond(const struct sc_stanza *s)
{
	const struct sc_elem *e = sc_first(sc_find(s, SC_NS_CONTENT, "error"));

	for (; e != NULL; e = sc_next(e))
		for (int cond = 0; cond < CONDS; cond++)
			if (sc_is(e, SC_NS_STANZAS, conds[cond].name))
				return cond;
	return SC_COND_UNDEFINED;
}

struct sc_stanza *
sc_result_to(const struct sc_stanza *s)
{
	sc_assert(s->kind == SC_IQ && (s->type == SC_TYPE_GET || s->type == SC_TYPE_SET));
	return sc_stanza_new(SC_IQ, SC_TYPE_RESULT, s->to, s->from, s->id);
}
