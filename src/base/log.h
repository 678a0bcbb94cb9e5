/* SPDX-License-Identifier: MIT */
/* log: where the lines go. The public half is stonechat/log.h. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stonechat/log.h>

/* to: "stderr", "journald" or a file path. False with a sentence. Called again on reload (a file is reopened). */
bool log_open(const char *to, char *error, size_t error_size) SC_MUST_CHECK;
void log_level(enum sc_log_level);
enum sc_log_level log_level_now(void);
bool log_level_parse(const char *, enum sc_log_level *);
void log_close(void);
void log_thread_name(const char *);             /* "shard 3", "supervisor" */
/* Writes id=, jid=, peer= for a ctx into buf; set by core, since base does not know what a ctx is. */
extern void (*log_describe)(const struct sc_ctx *, char *buf, size_t);
/* The thread's current stanza without its text, for the assertion report; set by core. */
extern void (*log_describe_crash)(char *buf, size_t);

#endif
