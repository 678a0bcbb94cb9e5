/* SPDX-License-Identifier: MIT */
/*
 * conf: a module's settings as a table. The core parses, checks, documents and reloads them; the
 * module reads a struct.
 *	struct roster_conf { int64_t max_items; bool versioning; };
 *	static const struct sc_key conf[] = {
 *		SC_CONF_INT(struct roster_conf, max_items, "5000", 1, 1000000, "Contacts that one
 *		account may have."), SC_CONF_END
 *	};
 *	const struct roster_conf *c = sc_conf(ctx);
 */
#ifndef STONECHAT_CONF_H
#define STONECHAT_CONF_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>

enum sc_conf_type {
	SC_CONF_T_INT, SC_CONF_T_BOOL, SC_CONF_T_TEXT,
	SC_CONF_T_SIZE,         /* "10MiB" → int64_t bytes */
	SC_CONF_T_TIME,         /* "30d", "250ms" → int64_t milliseconds */
	SC_CONF_T_ENUM,         /* → int: index into the words */
	SC_CONF_T_LIST,         /* → const char *const *, NULL-terminated */
	SC_CONF_T_SECRET,       /* text; may be given as KEY_file = "path"; never shown */
};

struct sc_key {
	const char *name;
	enum sc_conf_type type;
	size_t offset;
	/* the default, written as in the file; lists: words separated by spaces; NULL text: none */
	const char *standard;
	int64_t min, max;       /* numbers, sizes (bytes), times (ms) */
	/* of an enum, separated by spaces; of a time or size: words that may stand instead */
	const char *words;
	bool restart;           /* takes effect only after a restart; otherwise at reload */
	const char *help;       /* a sentence for doc/config.md */
};

#define SC_CONF_KEY_(st, field, ty, ...) \
	{ .name = #field, .type = ty, .offset = offsetof(st, field), __VA_ARGS__ }
#define SC_CONF_INT(st, field, dflt, lo, hi, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_INT, .standard = dflt, .min = lo, .max = hi, .help = text)
#define SC_CONF_BOOL(st, field, dflt, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_BOOL, .standard = dflt, .help = text)
#define SC_CONF_TEXT(st, field, dflt, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_TEXT, .standard = dflt, .help = text)
#define SC_CONF_SIZE(st, field, dflt, lo, hi, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_SIZE, .standard = dflt, .min = lo, .max = hi, \
		.help = text)
#define SC_CONF_TIME(st, field, dflt, lo, hi, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_TIME, .standard = dflt, .min = lo, .max = hi, \
		.help = text)
/* "off", "forever": the first of the words is SC_CONF_WORD(0), and so on; all are below 0. */
#define SC_CONF_TIME_OR(st, field, dflt, lo, hi, list, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_TIME, .standard = dflt, .min = lo, .max = hi, \
		.words = list, .help = text)
#define SC_CONF_WORD(i) (-1 - (int64_t)(i))
#define SC_CONF_ENUM(st, field, dflt, list, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_ENUM, .standard = dflt, .words = list, .help = text)
#define SC_CONF_LIST(st, field, dflt, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_LIST, .standard = dflt, .help = text)
#define SC_CONF_SECRET(st, field, text) \
	SC_CONF_KEY_(st, field, SC_CONF_T_SECRET, .help = text)
#define SC_CONF_END { .name = NULL }

/* The calling module's settings at this ctx's host (or the global ones); lent, good until the
 * function returns. */
const void *sc_conf(const struct sc_ctx *);
/* The same outside a ctx. */
struct sc_module;
const void *sc_conf_of(const struct sc_module *, const struct sc_host *);

#pragma GCC visibility pop

#endif
