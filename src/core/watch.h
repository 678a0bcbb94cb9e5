/* SPDX-License-Identifier: MIT */
/* watch: shows an administrator the stanzas of one account as they pass. Costs one comparison where
 * nobody watches. */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include <stonechat/session.h>
#include <stonechat/stanza.h>

extern _Thread_local int watchers;      /* on this shard */

enum watch_direction { WATCH_IN, WATCH_OUT };

void watch_see(const struct sc_session *, enum watch_direction, const struct sc_stanza *);

#define WATCH(session, direction, stanza) \
	do { \
		if (__builtin_expect(watchers > 0, 0)) \
			watch_see(session, direction, stanza); \
	} while (0)

#endif
