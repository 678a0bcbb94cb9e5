/* SPDX-License-Identifier: MIT */
/* log: the shape of lines, what is escaped, rates, full pipes, reopening, and the assertion
 * report. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tap.h"

static char path[] = "/tmp/stonechat-log-XXXXXX";
static char got[65536];

static const char *
logged(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, got, sizeof(got) - 1);

	close(fd);
	got[n < 0 ? 0 : n] = '\0';
	if (truncate(path, 0) != 0)
		got[0] = '\0';
	return got;
}

static void
describe(const struct sc_ctx *ctx, struct log_about *about)
{
	(void)ctx;
	*about = (struct log_about){ .id = 7, .jid = "romeo@example.org/x\ny z\"" };
}

static void
describe_crash(char *buf, size_t size)
{
	snprintf(buf, size, "<message from='a'/>");
}

static void
lines(void)
{
	static int dummy;

	clock_freeze(0, INT64_C(1031701267123456));
	sc_log(NULL, SC_LOG_INFO, "test.event", "key=%d text=\"%s\"", 1,
		"a\nb\x1b[0m\xc2\x9b\xc3\xa9\x7f");
	is_text(logged(), "2002-09-10T23:41:07.123Z info shard-3 test.event key=1 "
		"text=\"a\\x0ab\\x1b[0m\\xc2\x9b\xc3\xa9\\x7f\"\n", "a line");
	sc_log((const struct sc_ctx *)&dummy, SC_LOG_WARN, "test.ctx", "k=v");
	is_text(logged(), "2002-09-10T23:41:07.123Z warn shard-3 test.ctx id=7 "
		"jid=\"romeo@example.org/x\\x0ay z\\\"\" k=v\n", "with a session");
	sc_log(NULL, SC_LOG_DEBUG, "test.debug", "x=1");
	is_text(logged(), "", "debug is not wanted");
	log_level(SC_LOG_DEBUG);
	sc_log(NULL, SC_LOG_DEBUG, "test.debug", "x=1");
	ok(strstr(logged(), "test.debug x=1\n") != NULL, "now it is");
	log_level(SC_LOG_ERROR);
	sc_log(NULL, SC_LOG_WARN, "test.warn", "x=1");
	is_text(logged(), "", "only errors");
	log_level(SC_LOG_INFO);
	memset(got, 'x', 10000);
	got[10000] = '\0';
	sc_log(NULL, SC_LOG_INFO, "test.long", "text=\"%s\"", got);
	ok(strlen(logged()) < 4096 && strchr(got, '\n') != NULL, "a long line is cut and ends");
}

/* What a peer chose stays in its value. */
static void
values(void)
{
	static const struct { const char *fmt, *value, *want; } cases[] = {
		{ "k=%s", "plain", "k=plain" },
		{ "k=%s", "a b=c", "k=\"a b=c\"" },
		{ "k=%s", "x\" admin=\"yes", "k=\"x\\\" admin=\\\"yes\"" },
		{ "k=%s", "back\\slash", "k=back\\slash" },
		{ "k=%s", "back \\slash", "k=\"back \\\\slash\"" },
		{ "k=%s", "", "k=\"\"" },
		{ "k=%s", NULL, "k=-" },
		{ "k=%s l=1", "a b", "k=\"a b\" l=1" },
		{ "k=\"%s\"", "x\" admin=\"yes", "k=\"x\\\" admin=\\\"yes\"" },
		{ "k=\"%s\"", "x\\", "k=\"x\\\\\"" },
		{ "k=\"a %s\" l=\"b\"", "c\"d", "k=\"a c\\\"d\" l=\"b\"" },
		{ "k=\"%s\"", "", "k=\"\"" },
		{ "k=%.3s", "abcdef", "k=abc" },
		{ "k=%.3s", "a cdef", "k=\"a c\"" },
		{ "k=%s", "\xc2\x85x", "k=\\xc2\x85x" },
		{ "100%% of %s", "x", "100% of x" },
	};
	char want[200];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		sc_log(NULL, SC_LOG_DEBUG, "test.value", cases[i].fmt, cases[i].value);
#pragma GCC diagnostic pop
		snprintf(want, sizeof(want), "test.value %s\n", cases[i].want);
		is_text(strstr(logged(), "test.value"), want, "value %s in %s",
			cases[i].value ? cases[i].value : "NULL", cases[i].fmt);
	}
	sc_log(NULL, SC_LOG_DEBUG, "test.value", "%d %u %lld %zu %lx %c %.*s|%5.1f|%03d|%s", -1, 2u,
		-3LL, (size_t)4, 255L, 'c', 2, "abc", 1.25, 7, "end");
	is_text(strstr(logged(), "test.value"), "test.value -1 2 -3 4 ff c ab|  1.2|007|end\n",
		"every kind of argument");
}

static int
count_lines(const char *text, const char *with)
{
	int n = 0;

	for (const char *at = strstr(text, with); at != NULL; at = strstr(at + 1, with))
		n++;
	return n;
}

static void
rates(void)
{
	for (int i = 0; i < 100; i++)
		sc_log(NULL, SC_LOG_INFO, "rate.one", "i=%d", i);
	for (int i = 0; i < 5; i++)
		sc_log(NULL, SC_LOG_INFO, "rate.two", "i=%d", i);
	logged();
	is_int(count_lines(got, "rate.one i="), 10, "ten lines of one event");
	is_int(count_lines(got, "rate.two i="), 5, "another is not hit");
	log_tick();
	is_text(logged(), "", "no summary before the second is over");
	clock_shift(1100000);
	log_tick();
	ok(strstr(logged(), "rate.one repeated=90\n") != NULL, "then there is one");
	sc_log(NULL, SC_LOG_INFO, "rate.one", "i=%d", 1000);
	ok(strstr(logged(), "rate.one i=1000\n") != NULL, "and lines again");
}

static void
full_pipe(void)
{
	char error[200], junk[65536];
	int fds[2], keep = dup(STDERR_FILENO);
	uint64_t dropped = log_dropped();
	ssize_t n;

	if (pipe(fds) != 0)
		return;
	dup2(fds[1], STDERR_FILENO);
	ok(log_open("stderr", error, sizeof(error)), "a pipe as stderr");
	alarm(10);
	log_level(SC_LOG_DEBUG);
	for (int i = 0; i < 5000; i++)
		sc_log(NULL, SC_LOG_DEBUG, "pipe.full", "i=%05d", i);
	alarm(0);
	ok(log_dropped() > dropped, "a full pipe drops lines and does not block");
	ok((fcntl(fds[1], F_GETFL) & O_NONBLOCK) == 0, "the shared end is left as it was");
	n = read(fds[0], junk, sizeof(junk));
	ok(n > 0, "the reader wakes up");
	sc_log(NULL, SC_LOG_DEBUG, "pipe.free", "x=1");
	log_level(SC_LOG_INFO);
	n = read(fds[0], junk, sizeof(junk) - 1);
	junk[n < 0 ? 0 : n] = '\0';
	ok(strstr(junk, "pipe.free") != NULL && strstr(junk, "log.dropped lines=") != NULL,
		"and hears how many were dropped");
	dup2(keep, STDERR_FILENO);
	close(keep);
	close(fds[0]);
	close(fds[1]);
	ok(log_open(path, error, sizeof(error)), "back to the file");
}

static void
reopening(void)
{
	char error[200], old[sizeof(path) + 4];

	snprintf(old, sizeof(old), "%s.1", path);
	rename(path, old);
	ok(log_open(path, error, sizeof(error)), "reopened after rotation");
	sc_log(NULL, SC_LOG_INFO, "rotated", "x=1");
	ok(strstr(logged(), "rotated x=1") != NULL, "in the new file");
	unlink(old);
	ok(!log_open("/nonexistent/x", error, sizeof(error)), "a file that cannot be opened");
	ok(strstr(error, "/nonexistent/x") != NULL, "is named: %s", error);
	sc_log(NULL, SC_LOG_INFO, "still", "x=1");
	ok(strstr(logged(), "still x=1") != NULL, "and the old one stays");
}

static void
assertion(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		sc_log(NULL, SC_LOG_DEBUG, "before.crash", "x=1");
		sc_assert(1 == 2);
		_exit(0);
	}
	waitpid(child, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "a broken promise aborts");
	logged();
	ok(strstr(got, "assertion failed: 1 == 2, in assertion, ") != NULL, "says what");
	ok(strstr(got, "backtrace:\n") != NULL, "from where");
	ok(strstr(got, "stanza: <message from='a'/>") != NULL, "with which stanza");
	ok(strstr(got, "before.crash x=1") != NULL, "and what was before, debug lines too");
}

int
main(void)
{
	char error[200];
	enum sc_log_level level;
	int fd = mkstemp(path);

	close(fd);
	log_describe = describe;
	log_describe_crash = describe_crash;
	log_thread_name("shard 3");
	ok(log_open(path, error, sizeof(error)), "a log file");
	ok(log_level_parse("warn", &level) && level == SC_LOG_WARN, "level by name");
	ok(!log_level_parse("loud", &level), "no such level");
	lines();
	log_level(SC_LOG_DEBUG);
	values();
	log_level(SC_LOG_INFO);
	rates();
	full_pipe();
	reopening();
	assertion();
	log_thread_done();
	log_close();
	unlink(path);
	return done_testing();
}
