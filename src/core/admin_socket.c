/* SPDX-License-Identifier: MIT */
/*
 * admin_socket: the Unix socket of stonechatctl and its clients, on shard 0. Only root and the
 * server's own user get in: the socket's mode says so, and the kernel is asked who is on the other
 * end.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <event2/event.h>
#include <stonechat/log.h>
#include "base/mem.h"
#include "core/admin_inside.h"
#include "net/loop.h"

#define CLIENTS_MAX 64
#define OUT_HIGH (8u << 20)     /* events of a stream are left out beyond this */

struct admin_client {
	struct link link;
	int fd;
	struct event *read, *write;
	struct buf in, out;
	size_t seen;                    /* of `in`: no newline in there */
	struct admin_request *request;  /* under way; no line is read meanwhile */
	bool eof;
	unsigned left_out;
};

static struct link clients;
static int n_clients;
static int listen_fd = -1;
static struct event *listen_event;
static char listen_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

/* --- one client --- */

static void
client_free(struct admin_client *c)
{
	struct admin_request *r = c->request;

	c->request = NULL;
	link_remove(&c->link);
	n_clients--;
	event_free(c->read);
	event_free(c->write);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	if (r != NULL)
		admin_client_gone(r);
}

/* False: the client is gone. */
static bool
write_out(struct admin_client *c)
{
	while (c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(c->write, NULL);
			return true;
		}
		if (n < 0) {
			client_free(c);
			return false;
		}
		buf_drop(&c->out, (size_t)n);
	}
	if (c->eof && c->request == NULL) {
		client_free(c);
		return false;
	}
	return true;
}

void
admin_answer(struct admin_client *c, char *line, bool last)
{
	if (last)
		c->request = NULL;
	/* A stream whose client does not read loses events, and is told how many. */
	if (!last && c->out.n > OUT_HIGH) {
		c->left_out++;
	} else {
		if (c->left_out > 0)
			buf_format(&c->out, "{\"ok\":true,\"event\":{\"left_out\":\"%u\"}}\n",
				c->left_out);
		c->left_out = 0;
		buf_text(&c->out, line);
	}
	free(line);
	/* What follows may free the client, and our caller may be in the middle of it: let the loop
	 * do it. */
	event_active(c->write, EV_WRITE, 0);
}

bool
admin_client_left(const struct admin_client *c)
{
	return c->eof;
}

void
admin_client_drop(struct admin_client *c)
{
	client_free(c);
}

static void
run_line(struct admin_client *c, const char *line, size_t n)
{
	struct admin_request *r = admin_request_new(c);
	const char *words[ADMIN_WORDS_MAX];
	int n_words;

	c->request = r;
	if (admin_parse(r, line, n, words, &n_words))
		admin_run(r, words, n_words);
}

static void
take_lines(struct admin_client *c)
{
	while (c->request == NULL && c->in.n > 0) {
		char *nl = memchr(c->in.p + c->seen, '\n', c->in.n - c->seen);
		size_t n;

		if (nl == NULL) {
			c->seen = c->in.n;
			break;
		}
		n = (size_t)(nl - c->in.p);
		if (n > 0)
			run_line(c, c->in.p, n);
		buf_drop(&c->in, n + 1);
		c->seen = 0;
	}
	if (c->in.n > ADMIN_LINE_MAX && c->request == NULL) {
		buf_text(&c->out, "{\"ok\":false,\"error\":\"a line has more than 1 "
			"MiB\",\"code\":2}\n");
		buf_free(&c->in);
		c->seen = 0;
		c->eof = true;
		event_del(c->read);
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct admin_client *c = arg;

	(void)fd, (void)what;
	loop_woke();
	if (c->request == NULL)
		take_lines(c);
	if (write_out(c) && !c->eof)
		event_add(c->read, NULL);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct admin_client *c = arg;
	ssize_t n;

	(void)what;
	loop_woke();
	buf_reserve(&c->in, 65536);
	n = read(fd, c->in.p + c->in.n, 65536);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Somebody may shut down writing and wait for the answer; a stream ends with its
		 * reader. */
		c->eof = true;
		event_del(c->read);
		if (n < 0 || (c->request != NULL && c->request->streaming)) {
			client_free(c);
			return;
		}
	} else {
		c->in.n += (size_t)n;
	}
	take_lines(c);
	/* More than one line ahead need not be in our memory. */
	if (!c->eof && c->in.n > ADMIN_LINE_MAX)
		event_del(c->read);
	write_out(c);
}

/* --- accepting --- */

bool
admin_may_come_in(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	sc_log(NULL, SC_LOG_WARN, "admin.refused", "uid=%u", (unsigned)who.uid);
	return false;
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	struct event_base *base = arg;
	struct admin_client *c;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	loop_woke();
	if (client < 0)
		return;
	if (n_clients == CLIENTS_MAX || !admin_may_come_in(client)) {
		close(client);
		return;
	}
	c = mem_new(sizeof(*c));
	c->fd = client;
	c->read = event_new(base, client, EV_READ | EV_PERSIST, on_readable, c);
	c->write = event_new(base, client, EV_WRITE, on_writable, c);
	sc_assert(c->read != NULL && c->write != NULL);
	event_add(c->read, NULL);
	link_append(&clients, &c->link);
	n_clients++;
}

/* --- the socket --- */

static int
refuse(char *error, size_t error_size, const char *path, const char *what)
{
	snprintf(error, error_size, "control socket %s: %s", path, what);
	return -1;
}

static bool
make_directory(const char *path)
{
	char dir[sizeof(listen_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return true;
	*slash = '\0';
	return mkdir(dir, 0755) == 0 || errno == EEXIST;
}

/* A socket that nobody listens on any more is left by a server that was killed. */
static bool
remove_dead(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, saved;

	if (lstat(address->sun_path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	saved = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0
		? EADDRINUSE : errno;
	close(fd);
	errno = saved;
	return saved == ECONNREFUSED && unlink(address->sun_path) == 0;
}

int
admin_open(const char *path, char *error, size_t error_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return refuse(error, error_size, path, "the path has more than 107 bytes");
	memcpy(address.sun_path, path, strlen(path));
	if (!make_directory(path))
		return refuse(error, error_size, path, strerror(errno));
	if (!remove_dead(&address))
		return refuse(error, error_size, path,
			errno == EADDRINUSE ? "another server answers there" : strerror(errno));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Until listen() nobody can connect, so the mode is there in time. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, 0600) != 0 || listen(fd, 16) != 0) {
		refuse(error, error_size, path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

void
admin_serve(int fd)
{
	struct event_base *base = loop_base(0);

	sc_assert(loop_id() == 0 && listen_fd < 0);
	listen_fd = fd;
	link_init(&clients);
	listen_event = event_new(base, listen_fd, EV_READ | EV_PERSIST, on_connect, base);
	sc_assert(listen_event != NULL);
	event_add(listen_event, NULL);
}

bool
admin_listen(const char *path, char *error, size_t error_size)
{
	int fd = admin_open(path, error, error_size);

	if (fd < 0)
		return false;
	snprintf(listen_path, sizeof(listen_path), "%s", path);
	admin_serve(fd);
	return true;
}

void
admin_close(void)
{
	if (listen_fd < 0)
		return;
	event_free(listen_event);
	if (listen_path[0] != '\0') {
		close(listen_fd);
		unlink(listen_path);
	}
	listen_fd = -1;
	listen_path[0] = '\0';
	list_each(&clients, l, tmp) {
		struct admin_client *c = container_of(l, struct admin_client, link);

		/* The answer to `stop` may still be here. */
		if (c->out.n > 0 && send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL |
		    MSG_DONTWAIT) < 0)
			c->out.n = 0;
		client_free(c);
	}
}
