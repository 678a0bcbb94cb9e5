/* SPDX-License-Identifier: MIT */
/*
 * log: a line is an event name, an object and key=value pairs. Bodies, passwords and tokens have no
 * formatter.
 */
#ifndef STONECHAT_LOG_H
#define STONECHAT_LOG_H

#pragma GCC visibility push(default)

#include <stonechat/text.h>

enum sc_log_level { SC_LOG_DEBUG, SC_LOG_INFO, SC_LOG_WARN, SC_LOG_ERROR };

struct sc_ctx;

/* "event" is a dotted name such as "spool.full"; what follows are key=value pairs. ctx (may be
 * NULL) supplies the session's id, jid and peer. What a %s brings is made safe for you: it cannot
 * end its value, begin another key or another line; write key=%s, or key=\"%s\" where blanks
 * are the rule. Conversions: d i u x X o c p f g and s, with the usual lengths; precision of s
 * only. At most 10 lines a second per event name and shard; the rest is counted and summed up.
 * Never blocks. Any shard. */
void sc_log(const struct sc_ctx *, enum sc_log_level, const char *event, const char *fmt,
	...) SC_PRINTF(4, 5);

/* Ends the process when our own promise is broken, printing condition, place, backtrace and the
 * recent debug lines. Always on. No input may ever reach one. */
#define sc_assert(cond) ((cond) ? (void)0 : sc_assert_failed(#cond, __FILE__, __LINE__, __func__))
_Noreturn void sc_assert_failed(const char *cond, const char *file, int line, const char *func);

#pragma GCC visibility pop

#endif
