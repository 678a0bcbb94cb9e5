/* SPDX-License-Identifier: MIT */
/* rate: how much an occupant may say: a bucket of thousandths of messages. */
#include "muc/muc.h"

bool
rate_allows(struct occupant *o)
{
	const struct muc_conf *conf = room_conf(o->room);
	int64_t now = sc_mono(), full = conf->burst * 1000;

	if (conf->rate == 0)
		return true;
	/* µs times messages a second are millionths: / 1000 makes thousandths. */
	o->tokens += (now - o->tokens_at) * conf->rate / 1000;
	if (o->tokens > full)
		o->tokens = full;
	o->tokens_at = now;
	if (o->tokens < 1000) {
		sc_count(muc_counters.rate, 1);
		return false;
	}
	o->tokens -= 1000;
	return true;
}
