/* SPDX-License-Identifier: MIT */
/* version: says which software this is (XEP-0092), and on which operating system if the
 * administrator wants that. */
#include <sys/utsname.h>
#include <stonechat/stonechat.h>

#define NS_VERSION "jabber:iq:version"

struct version_conf {
	bool show_os;
};

static const struct sc_key conf[] = {
	SC_CONF_BOOL(struct version_conf, show_os, "false",
		"Whether the operating system's name and release are told to everybody who asks."),
	SC_CONF_END
};

static void
add_os(struct sc_ctx *ctx, struct sc_stanza *answer, struct sc_elem *query)
{
	struct utsname os;

	if (uname(&os) == 0)
		sc_add_with_text(answer, query, NULL, "os",
			sc_format(sc_arena(ctx), "%s %s", os.sysname, os.release));
}

static enum sc_verdict
answer_version(struct sc_ctx *ctx, const struct sc_elem *asked)
{
	const struct version_conf *c = sc_conf(ctx);
	struct sc_stanza *answer = sc_result(ctx);
	struct sc_elem *query = sc_add(answer, sc_stanza_root(answer), NS_VERSION, "query");

	(void)asked;
	sc_add_with_text(answer, query, NULL, "name", "Stonechat");
	sc_add_with_text(answer, query, NULL, "version", sc_version());
	if (c->show_os)
		add_os(ctx, answer, query);
	return sc_answer(ctx, &answer);
}

static const struct sc_iq iq[] = {
	{ SC_IQ_GET, SC_AT_SERVER, NS_VERSION, "query", answer_version },
	{ 0 }
};

static const struct sc_feature features[] = {
	{ SC_AT_SERVER, NS_VERSION },
	{ 0 }
};

SC_MODULE(version,
	.summary = "Says which software this is.",
	.implements = SC_LIST("XEP-0092 1.1"),
	.iq = iq,
	.features = features,
	.conf = conf,
	.conf_size = sizeof(struct version_conf)
);
