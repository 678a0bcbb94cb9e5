/* SPDX-License-Identifier: MIT */
/* s2s_conf: settings of streams with other servers, and what they say about one domain. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/route.h"
#include "plugin/conf.h"
#include "stream/s2s.h"

#define ROUTES_MAX 256

int s2s_section;

static const struct sc_key keys[] = {
	SC_CONF_ENUM(struct s2s_conf, policy, "secure", "secure dialback off",
		"Whom to talk to: servers whose certificate proves their domain; or also those "
		"that prove it by dialback inside TLS, which is "
		"as good as the DNS; or nobody."),
	SC_CONF_LIST(struct s2s_conf, secure_domains, NULL,
		"Domains that need a certificate although the policy is dialback. "
		"\"*.example.org\" is every domain below."),
	SC_CONF_LIST(struct s2s_conf, dialback_domains, NULL,
		"Domains that need none although the policy is secure."),
	SC_CONF_LIST(struct s2s_conf, block, NULL, "Domains with which nothing is exchanged."),
	SC_CONF_LIST(struct s2s_conf, allow, NULL,
		"If there are any: only with these something is exchanged."),
	SC_CONF_LIST(struct s2s_conf, connect, NULL,
		"Where to find servers without asking the DNS: \"DOMAIN HOST PORT\", and \" tls\" "
		"behind it for TLS from the first byte. "
		"DOMAIN may be * or *.example.org; several that fit are tried in order."),
	SC_CONF_TEXT(struct s2s_conf, ca_file, NULL,
		"Authorities that other servers' certificates are checked against; without it the "
		"system's."),
	SC_CONF_ENUM(struct s2s_conf, bidi, "accept", "off accept ask",
		"One connection for both directions (XEP-0288): never, when the other server "
		"wants it, or always asked for. Such a stream has "
		"no acknowledgements (XEP-0198)."),
	SC_CONF_BOOL(struct s2s_conf, sm, "true",
		"Acknowledge stanzas of other servers, and ask them to (XEP-0198)."),
	SC_CONF_BOOL(struct s2s_conf, direct_tls, "true",
		"Look for servers that take TLS from the first byte (XEP-0368)."),
	SC_CONF_SIZE(struct s2s_conf, max_stanza, "512KiB", 10000, 16 << 20,
		"The largest stanza of another server, advertised by XEP-0478. Larger ones end "
		"the stream."),
	SC_CONF_SIZE(struct s2s_conf, max_stanza_unauth, "16KiB", 4096, 1 << 20,
		"The same before it has proved who it is."),
	SC_CONF_SIZE(struct s2s_conf, max_unauth_bytes, "64KiB", 16384, 16 << 20,
		"What a server may send in all before it has proved who it is."),
	SC_CONF_TIME(struct s2s_conf, auth_timeout, "60s", 1000, 3600000,
		"How long that may take, and each of our own attempts."),
	SC_CONF_TIME(struct s2s_conf, connect_timeout, "20s", 100, 600000,
		"How long TCP to one address may take."),
	SC_CONF_TIME(struct s2s_conf, idle, "10m", 1000, 86400000,
		"Our streams that have carried nothing for so long are closed; those of other "
		"servers after three times as long."),
	SC_CONF_TIME(struct s2s_conf, dead, "60s", 1000, 3600000,
		"A server that acknowledges nothing or reads nothing for so long is taken for "
		"dead."),
	SC_CONF_TIME(struct s2s_conf, resume, "5m", 0, 86400000,
		"How long a server whose connection broke may resume its stream (XEP-0198)."),
	SC_CONF_INT(struct s2s_conf, max_unauth_per_address, "50", 1, 1000000,
		"Connections of one address (IPv6: of one /64) that have not proved a domain yet."),
	SC_CONF_INT(struct s2s_conf, max_streams_per_domain, "30", 1, 100000,
		"Streams in which one domain is the first to be proved; more are refused."),
	SC_CONF_INT(struct s2s_conf, max_pairs, "200", 1, 100000,
		"Pairs of domains that one stream may prove by dialback."),
	SC_CONF_INT(struct s2s_conf, max_verifies, "8", 1, 1000,
		"Dialback keys of one stream that are looked into at a time."),
	SC_CONF_INT(struct s2s_conf, stanzas_per_second, "5000", 0, 10000000,
		"Stanzas that one stream may bring; what is above waits in the other server. 0: "
		"as many as it likes."),
	SC_CONF_INT(struct s2s_conf, max_remotes, "10000", 1, 10000000,
		"Pairs of a domain of ours and another server's that may be dealt with at a time; "
		"what is for one more is refused."),
	SC_CONF_INT(struct s2s_conf, queue_stanzas, "10000", 10, 10000000,
		"Stanzas that may wait for a server; more are refused."),
	SC_CONF_SIZE(struct s2s_conf, queue_bytes, "16MiB", 65536, 1LL << 32, "The same in bytes."),
	SC_CONF_TIME(struct s2s_conf, queue_age, "48h", 1000, 30LL * 86400000,
		"How long a message may wait for a server that cannot be reached, before its "
		"sender hears of it."),
	SC_CONF_TIME(struct s2s_conf, answer_age, "30s", 1000, 3600000,
		"The same for all but messages."),
	SC_CONF_TIME(struct s2s_conf, spill, "250ms", 0, 60000,
		"A message that waits for a server longer than this is written to the database."),
	SC_CONF_TIME(struct s2s_conf, backoff, "2s", 100, 3600000,
		"The first pause after a server could not be reached; each next one is twice as "
		"long."),
	SC_CONF_TIME(struct s2s_conf, backoff_max, "15m", 1000, 86400000,
		"The longest such pause."),
	SC_CONF_END
};

static bool
read_route(const char *text, char domain[1024], char host[256], int *port, bool *tls)
{
	char last[8] = "";
	int end = 0;

	if (sscanf(text, "%1023s %255s %d%n %7s", domain, host, port, &end, last) < 3 ||
		*port < 1 || *port > 65535)
		return false;
	*tls = strcmp(last, "tls") == 0;
	return last[0] == '\0' || *tls;
}

static bool
check(const void *section, char *error, size_t size)
{
	const struct s2s_conf *c = section;
	char domain[1024], host[256];
	int port, n = 0;
	bool tls;

	for (const char *const *p = c->connect; p != NULL && *p != NULL; p++) {
		if (!read_route(*p, domain, host, &port, &tls)) {
			snprintf(error, size, "s2s.connect: \"%.80s\" is not \"DOMAIN HOST PORT\" "
				"or \"DOMAIN HOST PORT tls\"", *p);
			return false;
		}
		if (++n > ROUTES_MAX) {
			snprintf(error, size, "s2s.connect has more than %d entries", ROUTES_MAX);
			return false;
		}
	}
	return true;
}

void
s2s_conf_register(void)
{
	s2s_section = conf_section("s2s", keys, sizeof keys[0], sizeof(struct s2s_conf), false);
	conf_section_check(s2s_section, check);
	conf_section_help(s2s_section, "Streams with other servers.");
	conf_listen_type("s2s", 5269);
	conf_listen_type("s2s_tls", 5270);
}

const struct s2s_conf *
s2s_conf(void)
{
	return conf_get(conf_now(), s2s_section, -1);
}

void
s2s_conf_taken_up(void)
{
	const struct s2s_conf *c = s2s_conf();

	remote_limits.pairs = (uint32_t)c->max_remotes;
	remote_limits.stanzas = (uint32_t)c->queue_stanzas;
	remote_limits.bytes = (size_t)c->queue_bytes;
	remote_limits.age_ms = c->queue_age;
	remote_limits.short_ms = c->answer_age;
	remote_limits.spill_ms = c->spill;
	remote_limits.backoff_ms = c->backoff;
	remote_limits.backoff_max_ms = c->backoff_max;
}

/* "*", a domain, or "*.example.org" for all below that. */
static bool
covers(const char *entry, const char *domain)
{
	size_t n = strlen(domain), tail = strlen(entry);

	if (strcmp(entry, domain) == 0 || strcmp(entry, "*") == 0)
		return true;
	return strncmp(entry, "*.", 2) == 0 && n >= tail &&
		strcmp(domain + n - (tail - 1), entry + 1) == 0;
}

static bool
is_in(const char *const *list, const char *domain)
{
	for (; list != NULL && *list != NULL; list++)
		if (covers(*list, domain))
			return true;
	return false;
}

enum s2s_policy
s2s_policy_for(const char *domain)
{
	const struct s2s_conf *c = s2s_conf();

	if (c->policy == S2S_OFF || is_in(c->block, domain) ||
		(c->allow != NULL && *c->allow != NULL && !is_in(c->allow, domain)))
		return S2S_OFF;
	if (is_in(c->secure_domains, domain))
		return S2S_SECURE;
	return is_in(c->dialback_domains, domain) ? S2S_DIALBACK : (enum s2s_policy)c->policy;
}

bool
s2s_is_ours(const char *domain)
{
	return route_serves(sc_span(domain)) != NULL;
}

void
s2s_dial_conf(struct sc_arena *arena, const char *domain, struct dial_conf *d)
{
	const struct s2s_conf *c = s2s_conf();
	struct dial_route *routes = sc_alloc(arena, sizeof *routes * ROUTES_MAX);
	char entry[1024], host[256];
	int n = 0;

	for (const char *const *p = c->connect; p != NULL && *p != NULL && n < ROUTES_MAX; p++) {
		if (!read_route(*p, entry, host, &routes[n].port, &routes[n].direct_tls) ||
		    !covers(entry, domain))
			continue;
		routes[n].domain = domain;
		routes[n++].host = sc_copy(arena, host);
	}
	*d = (struct dial_conf){ .routes = routes, .n_routes = n,
		.srv_tls = c->direct_tls ? "_xmpps-server._tcp" : NULL, .srv = "_xmpp-server._tcp",
		.standard_port = 5269, .connect_ms = c->connect_timeout };
}
