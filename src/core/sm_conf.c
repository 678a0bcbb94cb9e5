/* SPDX-License-Identifier: MIT */
/* sm_conf: the settings of stream management and custody (XEP-0198, design §5). */
#include "config.h"

#include "core/sm.h"
#include "plugin/conf.h"

#define HOUR 3600000LL
#define DAY (24 * HOUR)

/* What a shard has until it takes a configuration up, as in tests: the defaults below. */
_Thread_local struct sm_limits sm_limits = {
	.custody_spill = 250, .custody_limit = 5000, .ask_after = 10000, .dead_after = 60000,
	.sleep = 600000, .sleep_push = 72 * HOUR,
	.sleep_stanzas = 1000, .sleep_bytes = 4 << 20
};

static const struct sc_key keys[] = {
	SC_CONF_TIME(struct sm_limits, custody_spill, "250ms", 0, 60000,
		"How long a message may wait for its recipient's acknowledgement before the spool "
		"gets a copy of it."),
	SC_CONF_TIME(struct sm_limits, custody_limit, "5s", 100, 600000,
		"How long a message may wait to be safe; then its sender gets an error, so that "
		"nothing holds up what it sends later."),
	SC_CONF_TIME(struct sm_limits, ask_after, "10s", 100, HOUR,
		"When a client is asked for its acknowledgement of stanzas that nobody waits for. "
		"It is asked at once for the others."),
	SC_CONF_TIME(struct sm_limits, dead_after, "60s", 1000, DAY,
		"A client that does not answer for so long has lost its link: its session sleeps."),
	SC_CONF_TIME(struct sm_limits, sleep, "10m", 1000, 30 * DAY,
		"How long a session may sleep until its client resumes it; a client may wish for "
		"less. Sessions that the server has "
		"told another time keep it."),
	SC_CONF_TIME(struct sm_limits, sleep_push, "72h", 1000, 30 * DAY,
		"The same where the client can be woken by a push notification; never less "
		"than `sleep`."),
	SC_CONF_INT(struct sm_limits, sleep_stanzas, "1000", 10, 1000000,
		"Stanzas kept in memory for a session that sleeps; more messages wait in "
		"the spool."),
	SC_CONF_SIZE(struct sm_limits, sleep_bytes, "4MiB", 16384, 1LL << 30,
		"The same in bytes. A session for which twice as much waits that cannot go to the "
		"spool ends."),
	SC_CONF_END
};

static int section;

void
sm_conf_register(void)
{
	section = conf_section("sm", keys, sizeof keys[0], sizeof(struct sm_limits), false);
	conf_section_help(section, "Stream management (XEP-0198): when a message is safe, and how "
		"long a session outlives its link.");
}

void
sm_conf_take_up(void)
{
	sm_limits = *(const struct sm_limits *)conf_get(conf_now(), section, -1);
}
