/* SPDX-License-Identifier: MIT */
/* ping: answers XEP-0199 pings to the server, to accounts and to services. Stores nothing, waits
 * for nothing. */
#include <stonechat/stonechat.h>

#define NS_PING "urn:xmpp:ping"

static enum sc_verdict
answer_ping(struct sc_ctx *ctx, const struct sc_elem *ping)
{
	struct sc_stanza *pong = sc_result(ctx);

	(void)ping;
	return sc_answer(ctx, &pong);
}

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_SERVER | SC_AT_ACCOUNT | SC_AT_SERVICE | SC_AT_ROOM, NS_PING, "ping",
		answer_ping },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER | SC_AT_ACCOUNT | SC_AT_SERVICE | SC_AT_ROOM, NS_PING },
	{ 0 }
};

SC_MODULE(ping,
	.summary = "Answers pings.",
	.implements = SC_LIST("XEP-0199 2.0.1"),
	.iq = iq,
	.features = features
);
