/* SPDX-License-Identifier: MIT */
/*
 * service: the domains under which modules offer services, on this shard. One struct for each
 * (host, service) stays for the life of the shard, so that entities and contexts may point to it; a
 * reload changes which domain it has, or takes it out.
 */
#ifndef PLUGIN_SERVICE_H
#define PLUGIN_SERVICE_H

#include <stonechat/service.h>
#include "base/list.h"
#include "base/table.h"
#include "plugin/host.h"
#include "plugin/module.h"

struct service {
	struct table_node node;         /* by domain */
	struct link link;               /* all of the shard, in order of their making */
	struct sc_host *host;
	const struct module *module;
	const struct sc_service *row;
	const struct sc_jid *jid;       /* the domain; in the host's arena */
	bool gone;                      /* not offered any more */
};

void service_sync(void);                /* after host_sync(), which calls it */
/* NULL: no service has this domain */
struct service *service_find(struct sc_span domain);
/* those offered at the host; start with NULL */
struct service *service_next(const struct sc_host *, struct service *after);
/* Whether a module's rows and hooks are for this service: its own, or those of a module that offers
 * none. NULL service: true. */
bool service_concerns(const struct service *, const struct module *);
/* names are unique, modules have settings */
bool service_check(char *error, size_t error_size) SC_MUST_CHECK;
void service_thread_done(void);

#endif
