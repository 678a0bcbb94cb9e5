/* SPDX-License-Identifier: MIT */
/*
 * log_sink: stderr, a file, or journald's native socket (its protocol is "NAME=value" lines in a
 * datagram, so no library is needed). One write per line; the kernel keeps lines of several threads
 * and processes apart. A write that would block fails instead.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

enum kind {
	PLAIN,          /* a file, or a descriptor opened by us that does not block */
	ASK_FIRST,      /* inherited and shared with others: poll(2) before each write */
	SOCKET,
	JOURNAL,
};

/* Readers hold the lock while they write, so that a reload cannot close the descriptor under them
 * and the kernel cannot give its number to a client's connection. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct {
	int fd;
	enum kind kind;
} sink = { STDERR_FILENO, ASK_FIRST };

static void
replace(int fd, enum kind kind)
{
	pthread_rwlock_wrlock(&lock);

	int old = sink.fd;

	sink.fd = fd;
	sink.kind = kind;
	pthread_rwlock_unlock(&lock);
	if (old != STDERR_FILENO && old != fd)
		close(old);
}

/* O_NONBLOCK belongs to the open file, which others may share, so a pipe is opened anew. */
static void
open_stderr(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) < 0 || S_ISREG(st.st_mode)) {
		replace(STDERR_FILENO, PLAIN);
		return;
	}
	if (S_ISSOCK(st.st_mode)) {
		replace(STDERR_FILENO, SOCKET);
		return;
	}
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		replace(fd, PLAIN);
	else
		replace(STDERR_FILENO, ASK_FIRST);
}

static bool
open_journal(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return false;
	}
	replace(fd, JOURNAL);
	return true;
}

bool
log_open(const char *to, char *error, size_t error_size)
{
	if (strcmp(to, "stderr") == 0) {
		open_stderr();
		return true;
	}
	if (strcmp(to, "journald") == 0) {
		if (open_journal())
			return true;
		snprintf(error, error_size, "cannot reach journald: %s", strerror(errno));
		return false;
	}

	int fd = open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);

	if (fd < 0) {
		snprintf(error, error_size, "cannot open the log file %s: %s", to, strerror(errno));
		return false;
	}
	replace(fd, PLAIN);
	return true;
}

void
log_close(void)
{
	open_stderr();
}

int
log_sink_fd(void)
{
	return sink.kind == JOURNAL ? STDERR_FILENO : sink.fd;
}

static bool
write_journal(enum sc_log_level l, const char *line, size_t n)
{
	static const char *const head[] = {
		"SYSLOG_IDENTIFIER=stonechat\nPRIORITY=7\nMESSAGE=",
		"SYSLOG_IDENTIFIER=stonechat\nPRIORITY=6\nMESSAGE=",
		"SYSLOG_IDENTIFIER=stonechat\nPRIORITY=4\nMESSAGE=",
		"SYSLOG_IDENTIFIER=stonechat\nPRIORITY=3\nMESSAGE=",
	};
	struct iovec parts[2] = {
		{ (void *)(uintptr_t)head[l], strlen(head[l]) },
		{ (void *)(uintptr_t)line, n },
	};
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	return sendmsg(sink.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

bool
log_sink_write(enum sc_log_level l, const char *line, size_t n)
{
	struct pollfd ready;
	bool done = false;
	int keep = errno;

	pthread_rwlock_rdlock(&lock);
	ready = (struct pollfd){ .fd = sink.fd, .events = POLLOUT };
	switch (sink.kind) {
	case JOURNAL:
		done = write_journal(l, line, n);
		break;
	case SOCKET:
		done = send(sink.fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
		break;
	case ASK_FIRST:
		done = poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)
			&& write(sink.fd, line, n) == (ssize_t)n;
		break;
	case PLAIN:
		done = write(sink.fd, line, n) == (ssize_t)n;
		break;
	}
	pthread_rwlock_unlock(&lock);
	errno = keep;           /* callers log about their errno and then look at it again */
	return done;
}
