/* SPDX-License-Identifier: MIT */
/* dns_conf: the section "dns" of the settings. */
#ifndef CORE_DNS_CONF_H
#define CORE_DNS_CONF_H

#include "net/dns.h"

struct conf;

void dns_conf_register(void);
/* Lent for the snapshot's life. */
const struct dns_conf *dns_conf(const struct conf *);
/* This shard takes the settings up. What cannot be used was refused when they were read; what the
 * machine refuses now is logged, and the old ones stay. */
void dns_conf_use(const struct conf *);

#endif
