/* SPDX-License-Identifier: MIT */
/*
 * log: where the lines go. The public half is stonechat/log.h. A line is "time level thread
 * event key=value…". It is written with one write(2) that never blocks: what a full pipe does
 * not take is dropped, counted, and reported by the next line that gets through.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

#include <stonechat/log.h>

/* to: "stderr", "journald" or a file path. False with a sentence. Called again on reload (a file is
 * reopened); what was open stays in use when it fails. */
bool log_open(const char *to, char *error, size_t error_size) SC_MUST_CHECK;
void log_level(enum sc_log_level);
enum sc_log_level log_level_now(void);
bool log_level_parse(const char *, enum sc_log_level *) SC_MUST_CHECK;
void log_close(void);                           /* back to stderr */
void log_thread_name(const char *);             /* "shard 3", "supervisor" */
/* Writes the summaries of rate-limited events whose second is over. Cheap: call it each turn. */
void log_tick(void);
void log_thread_done(void);                     /* summaries, and frees what the thread had */
/* lines that could not be written, since the start */
uint64_t log_dropped(void);
/* What is known of a ctx; id 0 and NULL: nothing. Set by core, since base does not know what a ctx
 * is. */
struct log_about {
	uint64_t id;
	const char *jid, *peer;
};
extern void (*log_describe)(const struct sc_ctx *, struct log_about *);
/* The thread's current stanza without its text, for the assertion report; set by core. */
extern void (*log_describe_crash)(char *buf, size_t);

/* --- between log.c and its parts --- */
/* A line being made; what does not fit is left out. */
struct log_out {
	char *p;
	size_t n, room;
};
void log_put(struct log_out *, const char *text);       /* ours: nothing is escaped */
void log_put_pair(struct log_out *, const char *key, const char *value);
void log_format(struct log_out *, const char *fmt, va_list *);
/* One finished line with its newline; false: dropped. */
bool log_sink_write(enum sc_log_level, const char *line, size_t n);
int log_sink_fd(void);                          /* for the assertion report */
void log_ring_add(const char *line, size_t n);
void log_ring_dump(int fd);
void log_ring_free(void);

#endif
