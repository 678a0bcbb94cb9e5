/* SPDX-License-Identifier: MIT */
/* dns_conf: the section "dns" of the settings. */
#include "config.h"

#include <stonechat/conf.h>
#include <stonechat/log.h>
#include "core/dns_conf.h"
#include "plugin/conf.h"

static int section;

static const struct sc_key keys[] = {
	SC_CONF_LIST(struct dns_conf, servers, NULL,
		"Name servers, ADDRESS or ADDRESS:PORT; without them those of /etc/resolv.conf."),
	SC_CONF_LIST(struct dns_conf, hosts, NULL,
		"Addresses of single names, each \"NAME ADDRESS\"; stronger than the hosts file."),
	SC_CONF_TEXT(struct dns_conf, hosts_file, "/etc/hosts",
		"Names that this machine knows without DNS; empty: none."),
	SC_CONF_BOOL(struct dns_conf, trust_ad, "false",
		"Believe the name servers that an answer was validated by DNSSEC. Only when they "
		"validate and nobody can change what comes from them, as with a resolver on this "
		"machine. DANE needs it."),
	SC_CONF_TIME(struct dns_conf, timeout, "2s", 50, 60000,
		"How long a name server has for its first answer; later tries wait longer."),
	SC_CONF_INT(struct dns_conf, tries, "3", 1, 10, "How often each name server is asked."),
	SC_CONF_INT(struct dns_conf, cache, "10000", 16, 10000000,
		"Answers that each shard keeps."),
	SC_CONF_INT(struct dns_conf, pending, "4000", 16, 60000,
		"Questions that each shard may have under way."),
	SC_CONF_TIME(struct dns_conf, ttl_min, "1s", 0, 3600000,
		"An answer is kept that long even when its own time is shorter."),
	SC_CONF_TIME(struct dns_conf, ttl_max, "1d", 1000, 604800000,
		"An answer is kept no longer than that."),
	SC_CONF_TIME(struct dns_conf, negative_max, "15m", 0, 10800000,
		"That a name does not exist is remembered no longer than that; that nobody "
		"answered, for at most 30 s."),
	SC_CONF_END
};

static bool
check(const void *settings, char *error, size_t error_size)
{
	return dns_check(settings, error, error_size);
}

void
dns_conf_register(void)
{
	section = conf_section("dns", keys, sizeof keys[0], sizeof(struct dns_conf), false);
	conf_section_check(section, check);
	conf_section_help(section, "How the servers of other domains are found. A reload reads "
		"/etc/resolv.conf and the hosts file again and forgets what was cached.");
}

const struct dns_conf *
dns_conf(const struct conf *conf)
{
	return conf_get(conf, section, -1);
}

void
dns_conf_use(const struct conf *conf)
{
	char error[256];

	if (!dns_start(dns_conf(conf), error, sizeof error))
		sc_log(NULL, SC_LOG_ERROR, "dns.cannot_start", "why=\"%s\"", error);
}
