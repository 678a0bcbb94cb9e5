/* SPDX-License-Identifier: MIT */
/* input: what comes from the person or the pipe: passwords, and lines of `user import`. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "base/mem.h"
#include "ctl/ctl.h"

#define CHUNK_LINES 1000
#define CHUNK_BYTES 400000      /* well below the server's 1 MiB even if every byte is escaped */

/* --- passwords --- */

static struct termios before;

static void
echo_again(int sig)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* A line without its end, malloced; NULL at the end of input. */
static char *
read_line(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n = getline(&line, &room, stdin);

	if (n < 0) {
		free(line);
		return NULL;
	}
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		line[--n] = '\0';
	return line;
}

static char *
ask_silently(const char *prompt, const char *jid)
{
	struct termios silent = before;
	char *line;

	silent.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s%s: ", prompt, jid);
	signal(SIGINT, echo_again);
	signal(SIGTERM, echo_again);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	line = read_line();
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	fputc('\n', stderr);
	return line;
}

char *
input_password(const char *jid)
{
	char *first, *second;
	bool same;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
		first = read_line();
		if (first == NULL)
			fprintf(stderr, "stonechatctl: no password on standard input\n");
		return first;
	}
	first = ask_silently("New password of ", jid);
	second = first ? ask_silently("The same again for ", jid) : NULL;
	same = second != NULL && strcmp(first, second) == 0;
	if (second != NULL)
		explicit_bzero(second, strlen(second));
	free(second);
	if (same)
		return first;
	fprintf(stderr, "stonechatctl: the two passwords are not the same\n");
	free(first);
	return NULL;
}

/* --- user import --- */

struct sums {
	json_t *facts, *table;
	size_t lines;
};

static void
add_up(struct sums *sums, const json_t *result)
{
	const char *key;
	json_t *value;
	json_t *table = json_object_get(result, "table");

	json_object_foreach(json_object_get(result, "facts"), key, value)
		json_object_set_new(sums->facts, key,
			json_integer(json_integer_value(json_object_get(sums->facts, key)) +
			json_integer_value(value)));
	if (table != NULL && sums->table == NULL)
		sums->table = json_incref(table);
	else if (table != NULL)
		json_array_extend(json_object_get(sums->table, "rows"), json_object_get(table,
			"rows"));
}

/* Takes lines. */
static int
send_chunk(struct ctl *ctl, const json_t *words, json_t *lines, struct sums *sums)
{
	json_t *request = json_object();
	json_t *answer = NULL;
	size_t first = sums->lines + 1;
	int code = CTL_DONE;

	sums->lines += json_array_size(lines);
	json_object_set(request, "argv", (json_t *)(uintptr_t)words);
	json_object_set_new(request, "lines", lines);
	if (server_send(ctl, request))
		answer = server_hear(ctl);
	json_decref(request);
	if (answer == NULL) {
		fprintf(stderr, "stonechatctl: lines %zu to %zu: the server went away\n", first,
			sums->lines);
		return CTL_NOBODY;
	}
	if (json_is_true(json_object_get(answer, "ok"))) {
		add_up(sums, json_object_get(answer, "result"));
	} else {
		const char *error = json_string_value(json_object_get(answer, "error"));

		fprintf(stderr, "stonechatctl: lines %zu to %zu: %s\n", first, sums->lines,
			error ? error : "failed");
		code = json_integer_value(json_object_get(answer, "code")) == CTL_USAGE ? CTL_USAGE
			: CTL_FAILED;
	}
	json_decref(answer);
	return code;
}

static int
send_all(struct ctl *ctl, const json_t *words, struct sums *sums)
{
	int code = CTL_DONE;
	bool more = true;

	while (more && code == CTL_DONE) {
		json_t *lines = json_array();
		size_t bytes = 0;
		char *line = NULL;

		while (json_array_size(lines) < CHUNK_LINES && bytes < CHUNK_BYTES &&
		    (line = read_line()) != NULL) {
			bytes += strlen(line);
			if (json_array_append_new(lines, json_string(line)) != 0) {
				fprintf(stderr, "stonechatctl: line %zu is not UTF-8\n",
					sums->lines + json_array_size(lines) + 1);
				code = CTL_USAGE;
			}
			explicit_bzero(line, strlen(line));
			free(line);
			if (code != CTL_DONE)
				break;
		}
		more = line != NULL;
		/* Also without any line once, so that a wrong host is heard of. */
		if (code == CTL_DONE && (json_array_size(lines) > 0 || sums->lines == 0))
			code = send_chunk(ctl, words, lines, sums);
		else
			json_decref(lines);
	}
	return code;
}

int
input_import(struct ctl *ctl, int argc, char **argv)
{
	struct sums sums = { .facts = json_object() };
	json_t *words = json_array();
	json_t *result = json_object();
	int code;

	for (int i = 0; i < argc; i++)
		json_array_append_new(words, json_string(argv[i]));
	code = send_all(ctl, words, &sums);
	json_object_set_new(result, "facts", sums.facts);
	if (sums.table != NULL)
		json_object_set_new(result, "table", sums.table);
	if (code == CTL_DONE && sums.table != NULL &&
	    json_array_size(json_object_get(sums.table, "rows")) > 0)
		code = CTL_FAILED;
	if (ctl->json)
		show_json(result);
	else
		show_result(result);
	json_decref(result);
	json_decref(words);
	return code;
}
