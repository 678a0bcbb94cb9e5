/* SPDX-License-Identifier: MIT */
/*
 * assert: the report of a broken promise. It goes out with plain writes, without locks and with
 * nothing allocated by us: whatever broke may have broken those.
 */
#include "config.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static void
put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return;
}

static void
report(int fd, const char *what)
{
	static _Thread_local char stanza[1024];
	void *frames[64];

	put(fd, what);
	put(fd, "backtrace:\n");
	backtrace_symbols_fd(frames, backtrace(frames, 64), fd);
	if (log_describe_crash != NULL) {
		log_describe_crash(stanza, sizeof(stanza));
		put(fd, "stanza: ");
		put(fd, stanza);
		put(fd, "\n");
	}
	put(fd, "last lines:\n");
	log_ring_dump(fd);
}

void
sc_assert_failed(const char *cond, const char *file, int line, const char *func)
{
	static _Thread_local bool again;
	char what[512];
	int fd = log_sink_fd();

	if (again)      /* the report itself failed */
		abort();
	again = true;
	snprintf(what, sizeof(what), "assertion failed: %s, in %s, %s:%d\n", cond, func,
		file, line);
	report(fd, what);
	if (fd != STDERR_FILENO)
		put(STDERR_FILENO, what);
	abort();
}

/* The first backtrace() loads a library; that must not happen in the middle of a crash. */
__attribute__((constructor)) static void
load_early(void)
{
	void *frame;

	backtrace(&frame, 1);
}
