/* SPDX-License-Identifier: MIT */
/*
 * stonechatctl: the administrator's tool. It knows no commands: what was typed goes to the server,
 * and the answer says whether it is a table, facts or text. Only what needs this side of the socket
 * is here: passwords, bulk lines, and the two commands that work without a server.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "ctl/ctl.h"

static const char usage[] =
	"usage: stonechatctl [-s SOCKET] [-c FILE] [--json] COMMAND…\n"
	"  -s SOCKET   the server's control socket; else $STONECHATCTL_SOCKET, else "
	"ctl_socket in FILE\n"
	"  -c FILE     the server's configuration; "
	"default " SYSCONFDIR "/stonechat/stonechat.conf\n"
	"  --json      print results as JSON\n"
	"  --version\n"
	"\n"
	"`stonechatctl help` lists the commands, `stonechatctl help user add` explains one. A "
	"password given as - is asked for,\n"
	"or read from standard input. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 no "
	"server, 4 `check` found problems.\n";

/* --- without a server --- */

/* Runs `stonechat OPTION -c FILE`: the one beside us first. Returns only when there is none. */
static void
run_server_program(const struct ctl *ctl, const char *option)
{
	static const char *const places[] = { "", "../sbin/" };
	char self[3000], path[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *args[] = { "stonechat", option, ctl->json ? "--json" : NULL, NULL, NULL, NULL };
	int k = ctl->json ? 3 : 2;

	if (ctl->conf != NULL) {
		args[k] = "-c";
		args[k + 1] = ctl->conf;
	}
	fflush(NULL);
	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/') != NULL)
		strrchr(self, '/')[1] = '\0';
	for (int i = 0; n > 0 && i < 2; i++) {
		snprintf(path, sizeof(path), "%s%sstonechat", self, places[i]);
		execv(path, (char **)(uintptr_t)args);
	}
	execvp("stonechat", (char **)(uintptr_t)args);
}

static int
no_server(const struct ctl *ctl, int argc, char **argv, const char *why)
{
	if (strcmp(argv[0], "help") == 0) {
		fputs(usage, stdout);
		printf("\nThe list of commands comes from the server, and %s.\n", why);
		return CTL_DONE;
	}
	if (strcmp(argv[0], "check") == 0 && argc == 1)
		run_server_program(ctl, "--check");
	if (strcmp(argv[0], "db") == 0 && argc == 2 && strcmp(argv[1], "plan") == 0)
		run_server_program(ctl, "--db-plan");
	fprintf(stderr, "stonechatctl: %s\n", why);
	return CTL_NOBODY;
}

/* --- with one --- */

/* A password that begins with -- must not be taken for an option. */
static json_t *
words_of(int argc, char **argv, const char *password)
{
	json_t *words = json_array();

	for (int i = 0; i < argc; i++) {
		bool here = password != NULL && i == 3;

		if (here && strncmp(password, "--", 2) == 0)
			json_array_append_new(words, json_string("--"));
		if (json_array_append_new(words, json_string(here ? password : argv[i])) != 0) {
			fprintf(stderr, "stonechatctl: `%s' is not UTF-8\n",
				here ? "the password" : argv[i]);
			json_decref(words);
			return NULL;
		}
	}
	return words;
}

static int
take_answer(const struct ctl *ctl, const json_t *answer)
{
	const json_t *result = json_object_get(answer, "result");
	const json_t *code = json_object_get(answer, "code");
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (!json_is_true(json_object_get(answer, "ok"))) {
		fprintf(stderr, "stonechatctl: %s\n",
			error ? error : "the server failed without a word");
		return json_is_integer(code) ? (int)json_integer_value(code) : CTL_FAILED;
	}
	if (ctl->json)
		show_json(result);
	else
		show_result(result);
	return json_is_integer(code) ? (int)json_integer_value(code) : CTL_DONE;
}

static int
take_answers(struct ctl *ctl)
{
	json_t *answer;
	int code = CTL_NOBODY;
	bool more = true;

	while (more && (answer = server_hear(ctl)) != NULL) {
		const json_t *event = json_object_get(answer, "event");

		more = event != NULL;
		if (event == NULL)
			code = take_answer(ctl, answer);
		else if (ctl->json)
			show_json(event);
		else
			show_event(event);
		json_decref(answer);
	}
	if (more)
		fprintf(stderr, "stonechatctl: the server went away\n");
	return code;
}

static int
ask(struct ctl *ctl, int argc, char **argv)
{
	bool secret = argc == 4 && strcmp(argv[0], "user") == 0 && strcmp(argv[3], "-") == 0 &&
		(strcmp(argv[1], "add") == 0 || strcmp(argv[1], "passwd") == 0);
	char *password = secret ? input_password(argv[2]) : NULL;
	json_t *words, *request;
	int code = CTL_NOBODY;

	if (secret && password == NULL)
		return CTL_USAGE;
	words = words_of(argc, argv, password);
	if (words == NULL)
		return CTL_USAGE;
	request = json_object();
	json_object_set_new(request, "argv", words);
	if (server_send(ctl, request))
		code = take_answers(ctl);
	else
		fprintf(stderr, "stonechatctl: the server went away\n");
	json_decref(request);
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	free(password);
	return code;
}

static int
run(struct ctl *ctl, const char *socket, int argc, char **argv)
{
	char why[512];

	if (!server_find(ctl, socket))
		return CTL_USAGE;
	if (!server_open(ctl, why, sizeof(why)))
		return no_server(ctl, argc, argv, why);
	if (argc > 2 && strcmp(argv[0], "user") == 0 && strcmp(argv[1], "import") == 0)
		return input_import(ctl, argc, argv);
	return ask(ctl, argc, argv);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' }, { "config", required_argument,
			NULL, 'c' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 }
	};
	struct ctl ctl = { .fd = -1 };
	const char *socket = NULL;
	int c, code;

	/* "+": what follows the first word is the command's. */
	while ((c = getopt_long(argc, argv, "+s:c:h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			socket = optarg;
			break;
		case 'c':
			ctl.conf = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return CTL_DONE;
		case 'v':
			puts(PACKAGE_STRING);
			return CTL_DONE;
		default:
			fputs(usage, stderr);
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return CTL_USAGE;
	}
	/* --json may also stand last, where hands put it. */
	if (strcmp(argv[argc - 1], "--json") == 0) {
		ctl.json = true;
		argc--;
	}
	code = optind < argc ? run(&ctl, socket, argc - optind, argv + optind) : CTL_USAGE;
	if (ctl.fd >= 0)
		close(ctl.fd);
	free(ctl.in);
	return code;
}
