/* SPDX-License-Identifier: MIT */
/*
 * log: makes a line, limits its rate, remembers it for a crash, and gives it to the sink.
 * Everything a thread needs is thread-local; the sink (log_sink.c) is shared.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define LINE_MAX_BYTES 4096     /* PIPE_BUF: up to this a write to a pipe is whole or nothing */
#define RATE_SLOTS 32
#define RATE_LINES 10           /* a second, per event and thread */
#define SECOND INT64_C(1000000)

void (*log_describe)(const struct sc_ctx *, struct log_about *);
void (*log_describe_crash)(char *buf, size_t);

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static _Atomic int level = SC_LOG_INFO;
static _Atomic uint64_t dropped, dropped_told;
static _Thread_local char thread_name[24];

/* Which events were written in their current second. Events that share a slot push each other out,
 * which only means that one of them may say a little more than its share. */
static _Thread_local struct rate {
	char event[40];
	enum sc_log_level level;
	unsigned written, left_out;
	int64_t since;
} rates[RATE_SLOTS];
static _Thread_local int64_t ticked;

void
log_level(enum sc_log_level l)
{
	level = l;
}

enum sc_log_level
log_level_now(void)
{
	return level;
}

bool
log_level_parse(const char *text, enum sc_log_level *out)
{
	for (int l = SC_LOG_DEBUG; l <= SC_LOG_ERROR; l++) {
		if (strcmp(text, level_names[l]) == 0) {
			*out = l;
			return true;
		}
	}
	return false;
}

void
log_thread_name(const char *name)
{
	snprintf(thread_name, sizeof(thread_name), "%s", name);
	for (char *c = thread_name; *c != '\0'; c++)
		if (*c == ' ')
			*c = '-';       /* a line's fields end at spaces */
}

uint64_t
log_dropped(void)
{
	return dropped;
}

static size_t
begin_line(char *line, enum sc_log_level l, const char *event)
{
	int64_t wall = clock_wall();
	time_t seconds = wall / SECOND;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return snprintf(line, 160, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s %.60s",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)(wall % SECOND / 1000), level_names[l],
		thread_name[0] == '\0' ? "main" : thread_name, event);
}

static void
say_dropped(void)
{
	uint64_t all = dropped, told = atomic_exchange(&dropped_told, all);
	char line[256];

	if (all <= told)
		return;

	size_t n = begin_line(line, SC_LOG_WARN, "log.dropped");

	n += snprintf(line + n, sizeof(line) - n, " lines=%llu\n",
		(unsigned long long)(all - told));
	if (!log_sink_write(SC_LOG_WARN, line, n))
		dropped_told -= all - told;     /* told next time */
}

static void
write_line(enum sc_log_level l, const char *line, size_t n)
{
	if (!log_sink_write(l, line, n))
		dropped++;
	else if (dropped != dropped_told)
		say_dropped();
}

static void
summary(struct rate *r)
{
	char line[256];
	size_t n;

	if (r->left_out == 0)
		return;
	n = begin_line(line, r->level, r->event);
	n += snprintf(line + n, sizeof(line) - n, " repeated=%u\n", r->left_out);
	r->left_out = 0;
	write_line(r->level, line, n);
}

/* Whether this event may write a line now. */
static bool
rate_allows(enum sc_log_level l, const char *event)
{
	unsigned hash = 0;

	for (const char *c = event; *c != '\0'; c++)
		hash = hash * 31 + (unsigned char)*c;

	struct rate *r = &rates[hash % RATE_SLOTS];
	int64_t now = clock_mono();

	if (strncmp(r->event, event, sizeof(r->event) - 1) != 0 || now - r->since >= SECOND) {
		summary(r);
		snprintf(r->event, sizeof(r->event), "%s", event);
		r->since = now;
		r->written = 0;
	}
	r->level = l;
	if (r->written >= RATE_LINES) {
		r->left_out++;
		return false;
	}
	r->written++;
	return true;
}

static void
flush_summaries(bool all)
{
	int64_t now = clock_mono();

	if (!all && now - ticked < SECOND)
		return;
	ticked = now;
	for (int i = 0; i < RATE_SLOTS; i++)
		if (rates[i].left_out > 0 && (all || now - rates[i].since >= SECOND))
			summary(&rates[i]);
}

void
log_tick(void)
{
	flush_summaries(false);
}

void
log_thread_done(void)
{
	flush_summaries(true);
	log_ring_free();
}

static void
describe(struct log_out *o, const struct sc_ctx *ctx)
{
	struct log_about about = { 0 };
	char id[24];

	log_describe(ctx, &about);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)about.id);
	if (about.id != 0)
		log_put_pair(o, "id", id);
	if (about.jid != NULL)
		log_put_pair(o, "jid", about.jid);
	if (about.peer != NULL)
		log_put_pair(o, "peer", about.peer);
}

void
sc_log(const struct sc_ctx *ctx, enum sc_log_level l, const char *event, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	struct log_out o = { .p = line, .room = sizeof(line) - 1 };
	bool wanted = (int)l >= level;
	va_list args;

	/* Debug lines are asked for by somebody who looks, so they have no rate. */
	if (wanted && l != SC_LOG_DEBUG && !rate_allows(l, event))
		return;
	o.n = begin_line(line, l, event);
	if (ctx != NULL && log_describe != NULL)
		describe(&o, ctx);
	if (*fmt != '\0')
		log_put(&o, " ");
	va_start(args, fmt);
	log_format(&o, fmt, &args);
	va_end(args);
	log_ring_add(line, o.n);
	if (!wanted)
		return;
	line[o.n++] = '\n';
	write_line(l, line, o.n);
}
