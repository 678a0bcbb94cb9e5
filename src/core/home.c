/* SPDX-License-Identifier: MIT */
/* home: which shard a bare JID lives on. The only place that knows; later it may answer with
 * another machine. */
#include "config.h"

#include "core/entity.h"
#include "net/loop.h"

int
home_of(const struct sc_jid *jid)
{
	return (int)(jid->bare_hash % (uint32_t)loop_count());
}
