/* SPDX-License-Identifier: MIT */
/* conf_near: the known word that somebody who mistyped most likely meant: keys here, commands in
 * core/admin. */
#ifndef PLUGIN_CONF_NEAR_H
#define PLUGIN_CONF_NEAR_H

#include <stonechat/text.h>

struct conf_near {
	const char *wanted;
	const char *best;               /* NULL: nothing is near */
	int distance;
};
void conf_near_try(struct conf_near *, const char *candidate);
/* "; did you mean `shards'?" or "". In the arena. */
const char *conf_near_text(struct sc_arena *, const struct conf_near *);

#endif
