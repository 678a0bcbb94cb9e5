/* SPDX-License-Identifier: MIT */
/* iq: one table of handlers by (type, place, namespace, element). */
#ifndef PLUGIN_IQ_H
#define PLUGIN_IQ_H

#include <stonechat/iq.h>
#include <stonechat/log.h>
#include "plugin/service.h"

struct iq_found {
	const struct sc_iq *row;
	const struct module *module;
};

bool iq_build(char *error, size_t error_size) SC_MUST_CHECK;
void iq_teardown(void);
/* at is one SC_AT_ bit; service: whose place that is, NULL for servers and accounts. False: nobody
 * claims it at this host. */
bool iq_find(const struct sc_host *, const struct service *, enum sc_type, unsigned at,
	const struct sc_elem *payload, struct iq_found *);

#endif
