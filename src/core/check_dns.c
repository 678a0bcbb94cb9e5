/* SPDX-License-Identifier: MIT */
/* check_dns: do clients and servers find us? SRV records (RFC 6120 §3.2.1, XEP-0368) and where they
 * point. */
#include "config.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "core/check.h"
#include "plugin/conf.h"

#define NAME_MAX_DNS 256

/* Names that no DNS server knows (RFC 6761, RFC 6762), and numbers. */
static bool
is_private(const char *host)
{
	static const char *const ends[] = { "localhost", "test", "invalid", "example", "local",
		"internal" };
	const char *dot = strrchr(host, '.');
	const char *top = dot ? dot + 1 : host;

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (strcmp(top, ends[i]) == 0)
			return true;
	return dot == NULL || strspn(top, "0123456789") == strlen(top);
}

static bool
has_address(const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_IDN }, *found = NULL;
	bool has = getaddrinfo(name, NULL, &hints, &found) == 0;

	if (found != NULL)
		freeaddrinfo(found);
	return has;
}

static bool
listens_on(const struct check *c, int port)
{
	for (int i = 0; i < conf_listens(c->conf); i++)
		if (conf_listen(c->conf, i)->port == port)
			return true;
	return false;
}

static void
check_target(struct check *c, const char *record, const char *target, int port)
{
	if (strcmp(target, ".") == 0 || *target == '\0')
		check_say(c, CHECK_NOTE, "dns", "%s says that the service is not offered", record);
	else if (!has_address(target))
		check_say(c, CHECK_PROBLEM, "dns", "%s points to %s, which has no address",
			record, target);
	else if (!listens_on(c, port))
		check_say(c, CHECK_NOTE, "dns", "%s points to port %d, where this server does not "
			"listen (is it forwarded?)", record, port);
	else
		check_say(c, CHECK_GOOD, "dns", "%s points to %s port %d", record, target, port);
}

/* How many SRV records there are; each is looked at. -1: no answer. */
static int
check_srv(struct check *c, res_state resolver, const char *service, const char *host)
{
	unsigned char answer[8192];
	char record[NAME_MAX_DNS + 40], target[NAME_MAX_DNS];
	ns_msg message;
	int n, found = 0;

	snprintf(record, sizeof record, "%s.%.255s", service, host);
	n = res_nquery(resolver, record, ns_c_in, ns_t_srv, answer, sizeof answer);
	if (n < 0)
		return resolver->res_h_errno == HOST_NOT_FOUND || resolver->res_h_errno == NO_DATA
			? 0 : -1;
	if (n > (int)sizeof answer || ns_initparse(answer, n, &message) != 0)
		return -1;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		ns_rr rr;
		const unsigned char *data;

		if (ns_parserr(&message, ns_s_an, i, &rr) != 0 || ns_rr_type(rr) != ns_t_srv ||
		    ns_rr_rdlen(rr) < 7)
			continue;
		data = ns_rr_rdata(rr);
		if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + 6, target,
		    sizeof target) < 0)
			continue;
		check_target(c, record, target, data[4] << 8 | data[5]);
		found++;
	}
	return found;
}

static void
check_service(struct check *c, res_state resolver, const char *service, int standard_port,
	const char *host)
{
	int found = check_srv(c, resolver, service, host);

	if (found > 0)
		return;
	if (found < 0)
		check_say(c, CHECK_NOTE, "dns", "%s.%s: the name servers do not answer",
			service, host);
	else if (standard_port == 0)
		check_say(c, CHECK_NOTE, "dns", "there is no %s.%s record: clients cannot know of "
			"direct TLS", service, host);
	else if (!has_address(host))
		check_say(c, CHECK_PROBLEM, "dns", "there is neither a %s.%s record nor an address "
			"of %s: nobody will find it", service, host, host);
	else if (!listens_on(c, standard_port))
		check_say(c, CHECK_PROBLEM, "dns", "without a %s.%s record others try %s port %d, "
			"where this server does not listen", service, host, host, standard_port);
	else
		check_say(c, CHECK_GOOD, "dns", "no %s.%s record, but %s has an address, and port "
			"%d is the usual one", service, host, host, standard_port);
}

static bool
has_listener(const struct check *c, const char *type)
{
	for (int i = 0; i < conf_listens(c->conf); i++)
		if (strcmp(conf_listen(c->conf, i)->type, type) == 0)
			return true;
	return false;
}

void
check_dns(struct check *c)
{
	struct __res_state resolver;

	memset(&resolver, 0, sizeof resolver);
	if (res_ninit(&resolver) != 0) {
		check_say(c, CHECK_NOTE, "dns", "the resolver of this machine cannot be used");
		return;
	}
	resolver.retrans = 2;
	resolver.retry = 2;
	for (int i = 0; i < conf_hosts(c->conf); i++) {
		const char *host = conf_host(c->conf, i)->name;

		if (is_private(host)) {
			check_say(c, CHECK_NOTE, "dns",
				"%s is a name that only this machine or network knows", host);
			continue;
		}
		check_service(c, &resolver, "_xmpp-client._tcp", 5222, host);
		if (has_listener(c, "c2s_tls"))
			check_service(c, &resolver, "_xmpps-client._tcp", 0, host);
		if (has_listener(c, "s2s"))
			check_service(c, &resolver, "_xmpp-server._tcp", 5269, host);
	}
	res_nclose(&resolver);
}
