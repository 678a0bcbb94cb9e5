/* SPDX-License-Identifier: MIT */
/* server: where the server's control socket is, and lines of JSON through it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/mem.h"
#include "ctl/ctl.h"
#include "plugin/conf.h"

#define STANDARD_CONF SYSCONFDIR "/stonechat/stonechat.conf"
#define STANDARD_SOCKET RUNSTATEDIR "/stonechat/ctl"

/* -s, the environment, ctl_socket in the configuration, the built-in path; the first that is
 * given. */
bool
server_find(struct ctl *ctl, const char *said)
{
	const char *conf = ctl->conf ? ctl->conf : STANDARD_CONF;
	char error[1024];
	char *from_conf = NULL;

	if (said == NULL)
		said = getenv("STONECHATCTL_SOCKET");
	if (said == NULL && (ctl->conf != NULL || access(conf, R_OK) == 0)) {
		if (!conf_read_early_text(conf, "ctl_socket", &from_conf, error, sizeof(error))) {
			fprintf(stderr, "stonechatctl: %s\n", error);
			return false;
		}
		said = from_conf;
	}
	ctl->socket = said ? said : STANDARD_SOCKET;
	return true;
}

bool
server_open(struct ctl *ctl, char *error, size_t error_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(ctl->socket) >= sizeof(address.sun_path)) {
		snprintf(error, error_size, "the path %s is too long for a socket", ctl->socket);
		return false;
	}
	memcpy(address.sun_path, ctl->socket, strlen(ctl->socket));
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ctl->fd >= 0 && connect(ctl->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	snprintf(error, error_size, "no server answers at %s: %s%s", ctl->socket, strerror(errno),
		errno == EACCES ? " (only root and the server's user may ask)" : "");
	if (ctl->fd >= 0)
		close(ctl->fd);
	ctl->fd = -1;
	return false;
}

bool
server_send(struct ctl *ctl, const json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	size_t n = line ? strlen(line) : 0, sent = 0;

	if (line == NULL)
		return false;
	line[n++] = '\n';               /* in the place of the zero */
	while (sent < n) {
		ssize_t more = send(ctl->fd, line + sent, n - sent, MSG_NOSIGNAL);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			break;
		sent += (size_t)more;
	}
	explicit_bzero(line, n);        /* passwords pass through here */
	free(line);
	return sent == n;
}

json_t *
server_hear(struct ctl *ctl)
{
	size_t looked = 0;
	json_error_t error;
	json_t *answer;

	if (ctl->n > ctl->taken)
		memmove(ctl->in, ctl->in + ctl->taken, ctl->n - ctl->taken);
	ctl->n -= ctl->taken;
	ctl->taken = 0;
	for (;;) {
		char *nl = ctl->n > looked ? memchr(ctl->in + looked, '\n', ctl->n - looked) : NULL;
		ssize_t got;

		if (nl != NULL) {
			ctl->taken = (size_t)(nl - ctl->in) + 1;
			break;
		}
		looked = ctl->n;
		if (ctl->room - ctl->n < 65536) {
			ctl->room = 2 * ctl->room + 65536;
			ctl->in = mem_grow(ctl->in, ctl->room);
		}
		got = read(ctl->fd, ctl->in + ctl->n, ctl->room - ctl->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return NULL;
		ctl->n += (size_t)got;
	}
	answer = json_loadb(ctl->in, ctl->taken, 0, &error);
	if (answer != NULL && !json_is_object(answer)) {
		json_decref(answer);
		answer = NULL;
	}
	return answer;
}
