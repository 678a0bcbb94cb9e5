/* SPDX-License-Identifier: MIT */
/* waiting: the control socket without a worker. See waiting.h. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "core/admin.h"
#include "waiting.h"

#define PATIENCE_MS 2000        /* with one client; they are served one after another */

static int listen_fd = -1, end_fd = -1;
static char socket_path[108], conf_path[4096];
static pthread_t thread;
static bool runs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char why_not[512];

/* --- what is answered --- */

/* The first word of the command, as admin_wire.c reads it. */
static const char *
first_word(const json_t *request)
{
	const json_t *cmd = json_object_get(request, "cmd");

	if (cmd == NULL || (json_is_array(cmd) && json_array_size(cmd) == 0))
		cmd = json_object_get(request, "argv");
	if (json_is_array(cmd))
		cmd = json_array_get(cmd, 0);
	return json_is_string(cmd) ? json_string_value(cmd) : "";
}

static json_t *
status(const char *why)
{
	return json_pack("{s:b, s:{s:{s:s, s:s, s:s, s:s, s:i, s:s}}}", "ok", 1, "result", "facts",
		"state", "not ready", "ready", "no", "not_ready_because", why, "version",
		PACKAGE_VERSION, "supervisor_pid", (int)getpid(), "configuration", conf_path);
}

static json_t *
answer_to(const char *line)
{
	json_t *request = json_loads(line, 0, NULL), *answer;
	const char *word = first_word(request);
	char why[sizeof why_not], text[600];

	pthread_mutex_lock(&lock);
	memcpy(why, why_not, sizeof why);
	pthread_mutex_unlock(&lock);
	if (strcmp(word, "status") == 0) {
		answer = status(why);
	} else if (strcmp(word, "stop") == 0) {
		kill(getpid(), SIGTERM);
		answer = json_pack("{s:b, s:{s:s}}", "ok", 1, "result", "text", "The server ends.");
	} else {
		snprintf(text, sizeof text, "the server is not ready: %s", why);
		answer = json_pack("{s:b, s:s, s:i}", "ok", 0, "error", text, "code", 1);
	}
	json_decref(request);
	return answer;
}

static void
serve(int fd)
{
	char line[4096], *text = NULL;
	size_t n = 0;
	ssize_t got;
	json_t *answer;

	while (n < sizeof line - 1 && (got = recv(fd, line + n, sizeof line - 1 - n, 0)) > 0) {
		n += (size_t)got;
		if (memchr(line, '\n', n) != NULL)
			break;
	}
	line[n] = '\0';
	if (n == 0)
		return;
	answer = answer_to(line);
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (text != NULL && send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
		(void)send(fd, "\n", 1, MSG_NOSIGNAL);
	free(text);
}

/* --- the thread --- */

static void
take_one(void)
{
	const struct timeval patience = { PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000 };
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (admin_may_come_in(fd))
		serve(fd);
	close(fd);
}

static void *
wait_for_clients(void *arg)
{
	struct pollfd polled[2] = { { .fd = end_fd, .events = POLLIN },
		{ .fd = listen_fd, .events = POLLIN } };

	(void)arg;
	log_thread_name("waiting");
	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (polled[0].revents != 0)
			return NULL;
		if (polled[1].revents != 0)
			take_one();
	}
}

bool
waiting_open(const char *path, const char *conf_file, char *error, size_t error_size)
{
	listen_fd = admin_open(path, error, error_size);
	if (listen_fd < 0)
		return false;
	snprintf(socket_path, sizeof socket_path, "%s", path);
	snprintf(conf_path, sizeof conf_path, "%s", conf_file != NULL ? conf_file : "-");
	return true;
}

int
waiting_socket(void)
{
	return listen_fd;
}

void
waiting_begin(const char *why)
{
	pthread_mutex_lock(&lock);
	snprintf(why_not, sizeof why_not, "%s", why);
	pthread_mutex_unlock(&lock);
	if (runs || listen_fd < 0)
		return;
	end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	runs = end_fd >= 0 && pthread_create(&thread, NULL, wait_for_clients, NULL) == 0;
	if (!runs && end_fd >= 0)
		close(end_fd);
}

void
waiting_end(void)
{
	if (!runs)
		return;
	(void)!eventfd_write(end_fd, 1);
	pthread_join(thread, NULL);
	close(end_fd);
	runs = false;
}

void
waiting_close(void)
{
	waiting_end();
	if (listen_fd < 0)
		return;
	close(listen_fd);
	listen_fd = -1;
	unlink(socket_path);
}
