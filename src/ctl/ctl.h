/* SPDX-License-Identifier: MIT */
/* ctl: what the files of stonechatctl share. Exit codes are for scripts and never change. */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CTL_DONE 0
#define CTL_FAILED 1            /* the server refused or failed */
#define CTL_USAGE 2
#define CTL_NOBODY 3            /* cannot reach the server */
#define CTL_PROBLEMS 4          /* `check` found some */

struct ctl {
	const char *conf;               /* -c; NULL: the built-in path, if it is there */
	const char *socket;             /* where we connected or tried to */
	bool json;                      /* print what the server said */
	int fd;
	char *in;                       /* read ahead */
	size_t n, room, taken;
};

/* --- ctl/server.c --- */
/* Finds the socket. False: the reason has been printed. */
bool server_find(struct ctl *, const char *said);
bool server_open(struct ctl *, char *error, size_t error_size);
bool server_send(struct ctl *, const json_t *request);
/* The next line as an object, yours; NULL: the server went away or spoke nonsense. */
json_t *server_hear(struct ctl *);

/* --- ctl/show.c --- */
void show_result(const json_t *result);                 /* text, facts, table */
void show_event(const json_t *event);                   /* one line */
void show_json(const json_t *);

/* --- ctl/input.c --- */
/* Asks for a password twice without echo, or reads a line from stdin. Malloced; NULL: the reason
 * has been printed. */
char *input_password(const char *jid);
/* `user import`: sends stdin in chunks. Returns the exit code. */
int input_import(struct ctl *, int argc, char **argv);

#endif
