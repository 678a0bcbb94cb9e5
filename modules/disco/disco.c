/* SPDX-License-Identifier: MIT */
/*
 * disco: answers service discovery (XEP-0030) for the server, accounts and services, with forms
 * (XEP-0128) and capabilities (XEP-0115) of what all modules together offer. The core collects;
 * this module decides who may ask.
 */
#include <stonechat/stonechat.h>

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_CAPS "http://jabber.org/protocol/caps"

/* XEP-0115 §4: a URI for the software. */
#define CAPS_NODE "urn:stonechat:server"

enum question { INFO, ITEMS };

/* Somebody who may not see the account's presence hears what he would hear of an account that does
 * not exist. */
static bool
may_ask_account(struct sc_ctx *ctx)
{
	const struct sc_jid *by = sc_from(sc_stanza(ctx));

	return sc_by_owner(ctx) || (sc_contact(sc_entity(ctx), by) & SC_SUB_FROM) != 0;
}

static enum sc_verdict
answer(struct sc_ctx *ctx, unsigned at, enum question question, const struct sc_elem *asked)
{
	const char *node = sc_attr(asked, "node");
	struct sc_stanza *result = sc_result(ctx);
	struct sc_elem *query = sc_add(result, sc_stanza_root(result),
		question == INFO ? NS_INFO : NS_ITEMS, "query");
	bool known;

	sc_set_attr(result, query, "node", node);
	if (question == INFO)
		known = sc_disco_fill_info(ctx, at, node, result, query);
	else
		known = sc_disco_fill_items(ctx, at, node, result, query);
	if (!known) {
		sc_stanza_free(&result);
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	}
	return sc_answer(ctx, &result);
}

static enum sc_verdict
server_info(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	return answer(ctx, SC_AT_SERVER, INFO, asked);
}

static enum sc_verdict
server_items(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	return answer(ctx, SC_AT_SERVER, ITEMS, asked);
}

/* The service's module may know better, and then has rows of its own. */
static enum sc_verdict
service_info(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	return answer(ctx, SC_AT_SERVICE, INFO, asked);
}

static enum sc_verdict
service_items(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	return answer(ctx, SC_AT_SERVICE, ITEMS, asked);
}

/* What a room could do that is not there is no answer (XEP-0030 §7). */
static enum sc_verdict
of_room(struct sc_ctx *ctx, enum question question, const struct sc_elem *asked)
{
	if (!sc_room_access(sc_entity(ctx), sc_from(sc_stanza(ctx))).exists)
		return sc_refuse(ctx, SC_COND_ITEM_NOT_FOUND, NULL);
	return answer(ctx, SC_AT_ROOM, question, asked);
}

static enum sc_verdict
room_info(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	return of_room(ctx, INFO, asked);
}

static enum sc_verdict
room_items(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	return of_room(ctx, ITEMS, asked);
}

static enum sc_verdict
account_info(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	if (!may_ask_account(ctx))
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	return answer(ctx, SC_AT_ACCOUNT, INFO, asked);
}

static enum sc_verdict
account_items(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	/* XEP-0030 §8 would have an empty list here. The core says service-unavailable for accounts
	 * that do not exist, and the two must look the same (§7 allows this answer). */
	if (!may_ask_account(ctx))
		return sc_refuse(ctx, SC_COND_SERVICE_UNAVAILABLE, NULL);
	return answer(ctx, SC_AT_ACCOUNT, ITEMS, asked);
}

/* XEP-0115 §6.3: clients that know this ver need not ask. */
static void
add_caps(struct sc_ctx *ctx, struct sc_ev_features *ev)
{
	struct sc_elem *c = sc_add(ev->into, sc_stanza_root(ev->into), NS_CAPS, "c");

	sc_set_attr(ev->into, c, "hash", "sha-1");
	sc_set_attr(ev->into, c, "node", CAPS_NODE);
	sc_set_attr(ev->into, c, "ver", sc_disco_caps(sc_host(ctx)));
}

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_SERVER, NS_INFO, "query", server_info },
	{ SC_IQ_GET, SC_AT_SERVER, NS_ITEMS, "query", server_items },
	{ SC_IQ_GET, SC_AT_ACCOUNT | SC_OPEN, NS_INFO, "query", account_info },
	{ SC_IQ_GET, SC_AT_ACCOUNT | SC_OPEN, NS_ITEMS, "query", account_items },
	{ SC_IQ_GET, SC_AT_SERVICE, NS_INFO, "query", service_info },
	{ SC_IQ_GET, SC_AT_SERVICE, NS_ITEMS, "query", service_items },
	{ SC_IQ_GET, SC_AT_ROOM, NS_INFO, "query", room_info },
	{ SC_IQ_GET, SC_AT_ROOM, NS_ITEMS, "query", room_items },
	{ 0 }
};

static const struct sc_hook hooks[] = {
	SC_SEE(stream_features, add_caps),
	SC_END
};

static const struct sc_identity identities[] = {
	{ SC_AT_SERVER, "server", "im", "Stonechat" },
	{ SC_AT_ACCOUNT, "account", "registered", NULL },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER | SC_AT_ACCOUNT | SC_AT_SERVICE | SC_AT_ROOM, NS_INFO },
	{ SC_AT_SERVER | SC_AT_ACCOUNT | SC_AT_SERVICE | SC_AT_ROOM, NS_ITEMS },
	{ SC_AT_SERVER, NS_CAPS },
	{ 0 }
};

SC_MODULE(disco,
	.summary = "Tells what the server and its accounts offer.",
	.implements = SC_LIST("XEP-0030 2.5.0", "XEP-0128 1.0.1", "XEP-0115 1.6.0"),
	.iq = iq,
	.hooks = hooks,
	.identities = identities,
	.features = features
);
