/* SPDX-License-Identifier: MIT */
/*
 * admin_inside: what the files admin*.c share.
 *
 * A request is shard 0's. It is cut into parts (struct sc_command), one for each shard that has to
 * work on it; a part travels there as a letter, is filled there, and comes back as a letter. While
 * parts are out, what they read of the request (arguments, options, lines, JID) does not change, so
 * nothing is locked. The last part that comes back frees the request, whether or not its client
 * waited.
 */
#ifndef CORE_ADMIN_INSIDE_H
#define CORE_ADMIN_INSIDE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stonechat/jid.h>
#include "base/arena.h"
#include "base/buf.h"
#include "core/admin.h"
#include "net/mailbox.h"
#include "net/timer.h"

/* Exit codes of stonechatctl, see contract in src/core/README.md. */
#define ADMIN_FAILED 1
#define ADMIN_USAGE 2

#define ADMIN_LINE_MAX (1u << 20)       /* of a request */
#define ADMIN_OPTIONS_MAX 16
#define ADMIN_WORDS_MAX 64              /* words of a command and its arguments */

struct admin_client;

struct admin_row {
	struct sc_command_row row;
	const char *module;                     /* "" is the core */
};

struct admin_option {
	const char *name, *value;               /* flags: "" */
};

struct admin_request {
	struct admin_client *client;            /* NULL: it went away */
	struct sc_arena *arena;
	const struct admin_row *row;
	const char *argv[ADMIN_WORDS_MAX];
	int argc;
	struct admin_option options[ADMIN_OPTIONS_MAX];
	int n_options;
	const char **lines;
	int n_lines;
	const struct sc_jid *jid;
	struct sc_command **parts;
	int n_parts, out;
	struct timeout timeout;
	bool answered, streaming;
	atomic_bool once;                       /* the first part to come does what is done once */
};

struct sc_command {
	struct letter letter;                   /* to the shard and back */
	struct letter stop_letter;              /* ends a stream */
	struct admin_request *request;
	int shard;
	bool done;                              /* on the shard: it is on its way back */
	bool came_back, stop_out;               /* on shard 0 */
	void (*stop)(void *);
	void *stop_arg;
	struct sc_arena *arena;                 /* the shard's; gone when the part comes back */
	json_t *columns, *rows, *facts;
	char *text, *error;                     /* malloced */
	int code;
	void *keep;                             /* a built-in command's own, on its shard */
};

/* --- admin.c: the table and the life of a request --- */
int admin_rows(void);
const struct admin_row *admin_row_at(int i);
/* The words of a request are complete: runs it. Takes the request; admin_answer() will be called
 * once. */
void admin_run(struct admin_request *taken, const char **words, int n_words);
void admin_client_gone(struct admin_request *);         /* its client went away */
struct admin_request *admin_request_new(struct admin_client *);
/* Answers now; the request is freed when its parts are back. */
void admin_refuse(struct admin_request *, int code, const char *fmt, ...) SC_PRINTF(3, 4);

/* --- admin_args.c: words to command, arguments and options --- */
const struct admin_row *admin_find(const char *const *words, int n, int *used);
const char *admin_not_found(struct sc_arena *, const char *const *words, int n);
/* Sorts what follows the command's words into arguments and options. NULL, or what is wrong. */
const char *admin_sort_args(struct admin_request *, const char *const *words, int n);

/* --- admin_wire.c: JSON --- */
/* What stands in a line. False: refused already. words gets at most ADMIN_WORDS_MAX. */
bool admin_parse(struct admin_request *, const char *line, size_t n, const char **words,
	int *n_words);
/* merges the parts; malloced, with its newline */
char *admin_result_line(struct admin_request *);
char *admin_error_line(int code, const char *sentence);
char *admin_event_line(const char *const *pairs);
/* never NULL: what is not UTF-8 is shown as such */
json_t *admin_string(const char *);

/* --- admin_socket.c: clients, on shard 0 --- */
/* last: the client's next line may be read */
void admin_answer(struct admin_client *, char *line_taken, bool last);
bool admin_client_left(const struct admin_client *);    /* it will send no more */
void admin_client_drop(struct admin_client *);          /* ends in admin_client_gone() */

extern const struct sc_command_row admin_help_rows[];   /* admin_help.c */

#endif
