/* SPDX-License-Identifier: MIT */
/*
 * command: what stonechatctl (and later HTTP and ad-hoc commands) can ask. One definition for all
 * of them.
 */
#ifndef STONECHAT_COMMAND_H
#define STONECHAT_COMMAND_H

#pragma GCC visibility push(default)

#include <stonechat/hook.h>
#include <stonechat/store.h>

enum sc_command_where {
	SC_ON_JID,              /* on the home shard of the JID in argument 0 */
	SC_ON_ANY,              /* on one shard */
	SC_ON_ALL,              /* on every shard; tables are appended, numbers of facts summed */
};

struct sc_command;

struct sc_command_row {
	const char *words;              /* "spool show" */
	const char *args;               /* "JID [--limit N]" for the help */
	const char *help;               /* one sentence */
	enum sc_command_where where;
	int min_args, max_args;
	/* Runs on the shard. Ends with exactly one sc_command_done/fail, now or later from this
	 * shard. */
	void (*fn)(struct sc_command *);
	/* that it may take before the client is told that nobody answered; 0: 30; UINT_MAX: any
	 * time */
	unsigned seconds;
};

int sc_command_argc(const struct sc_command *);
const char *sc_command_arg(const struct sc_command *, int i);           /* NULL: not given */
/* "--limit N": name "limit"; NULL */
const char *sc_command_option(const struct sc_command *, const char *name);
/* argument 0, prepared (SC_ON_JID) */
const struct sc_jid *sc_command_jid(const struct sc_command *);
struct sc_arena *sc_command_arena(struct sc_command *);
/* NULL-terminated: starts a table */
void sc_command_columns(struct sc_command *, const char *const *names);
/* as many as columns; NULL cells are "-" */
void sc_command_row(struct sc_command *, const char *const *cells);
void sc_command_fact(struct sc_command *, const char *key, const char *value);
void sc_command_fact_int(struct sc_command *, const char *key, int64_t value);
void sc_command_text(struct sc_command *, const char *text);            /* a sentence to print */
/* For SC_ON_JID: looks the account up in the database and calls found with its users.id; when there
 * is none, or no answer, the command fails by itself. */
void sc_command_account(struct sc_command *, void (*found)(struct sc_command *, int64_t account));
/* Of a statement that the command has run. False: it failed, and so has the command. */
bool sc_command_went_well(struct sc_command *, const struct sc_rows *);
void sc_command_done(struct sc_command **taken);
void sc_command_fail(struct sc_command **taken, const char *sentence);

#pragma GCC visibility pop

#endif
