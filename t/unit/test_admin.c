/* SPDX-License-Identifier: MIT */
/* The control socket, in one process: two shards run turn by turn, clients are real sockets. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/admin_inside.h"
#include "net/loop.h"
#include "plugin/module.h"

static char dir[] = "/tmp/test_admin.XXXXXX", path[64];
static struct sc_command *kept;         /* of `stall` and `look` */
static int stopped;

/* --- commands to be asked --- */

static void
echo(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);

	for (int i = 0; i < sc_command_argc(c); i++)
		sc_command_text(c, sc_command_arg(c, i));
	if (sc_command_option(c, "limit") != NULL)
		sc_command_fact(c, "limit", sc_command_option(c, "limit"));
	if (sc_command_option(c, "loud") != NULL)
		sc_command_fact(c, "loud", sc_format(a, "(%s)", sc_command_option(c, "loud")));
	sc_command_done(&c);
}

static void
count(struct sc_command *c)
{
	struct sc_arena *a = sc_command_arena(c);

	sc_command_fact_int(c, "shards", 1);
	sc_command_fact(c, "name", sc_format(a, "shard %d", loop_id()));
	sc_command_columns(c, (const char *const[]){ "shard", "note", NULL });
	sc_command_row(c, (const char *const[]){ sc_format(a, "%d", loop_id()), NULL });
	sc_command_done(&c);
}

static void
where(struct sc_command *c)
{
	sc_command_fact(c, "jid", sc_command_jid(c)->text);
	sc_command_fact_int(c, "shard", loop_id());
	sc_command_done(&c);
}

static void
half(struct sc_command *c)
{
	if (loop_id() == 1)
		sc_command_fail(&c, "shard 1 will not");
	else
		sc_command_done(&c);
}

static void
stall(struct sc_command *c)
{
	kept = c;
}

static void
stop_looking(void *arg)
{
	struct sc_command *c = arg;

	stopped++;
	kept = NULL;
	sc_command_done(&c);
}

static void
look(struct sc_command *c)
{
	kept = c;
	admin_stream(c, stop_looking, c);
}

static void
bulk(struct sc_command *c)
{
	sc_command_fact_int(c, "lines", admin_lines(c));
	sc_command_text(c, admin_lines(c) ? admin_line(c, admin_lines(c) - 1) : "none");
	sc_command_done(&c);
}

static const struct sc_command_row rows[] = {
	{ "echo", "[WORD]... [--limit N] [--loud]", "Says it again.", SC_ON_ANY, 0, 3, echo, 0 },
	{ "count all", NULL, "Counts.", SC_ON_ALL, 0, 0, count, 0 },
	{ "where", "JID", "Where.", SC_ON_JID, 1, 1, where, 0 },
	{ "half", NULL, "Half.", SC_ON_ALL, 0, 0, half, 0 },
	{ "stall", NULL, "Never answers.", SC_ON_ANY, 0, 0, stall, 0 },
	{ "look", "JID", "Streams.", SC_ON_JID, 1, 1, look, 0 },
	{ "bulk", "HOST", "Takes lines.", SC_ON_ANY, 1, 1, bulk, 0 },
	{ .words = NULL }
};

static int
home(const struct sc_jid *jid)
{
	return sc_jid_local(jid).p[0] == 'r';
}

/* --- running --- */

static void
turns(int n)
{
	while (n-- > 0) {
		for (int i = 1; i >= 0; i--) {
			loop_become(i);
			loop_turn();
		}
	}
}

static int
connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	return fd;
}

/* What arrives within some turns; lent until the next call. */
static const char *
hear(int fd)
{
	static char got[200000];
	size_t n = 0;

	for (int i = 0; i < 10; i++) {
		ssize_t more;

		turns(2);
		more = read(fd, got + n, sizeof(got) - 1 - n);
		if (more > 0)
			n += (size_t)more;
	}
	got[n] = '\0';
	return got;
}

static const char *
ask(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0 || write(fd, "\n", 1) < 0)
		return "cannot write";
	return hear(fd);
}

static const struct { const char *line, *want; } questions[] = {
	{ "{\"cmd\":[\"echo\"],\"argv\":[\"a\",\"b c\"]}",
		"{\"ok\":true,\"result\":{\"text\":\"a\\nb c\"}}\n" },
	{ "{\"cmd\":\"echo a\"}", "{\"ok\":true,\"result\":{\"text\":\"a\"}}\n" },
	{ "{\"argv\":[\"echo\",\"--limit\",\"5\",\"a\",\"--loud\"]}",
		"{\"ok\":true,\"result\":{\"text\":\"a\",\"facts\":{\"limit\":\"5\",\"loud\":\"()\"}}}\n" },
	{ "{\"argv\":[\"echo\",\"--limit=5\"]}",
		"{\"ok\":true,\"result\":{\"facts\":{\"limit\":\"5\"}}}\n" },
	{ "{\"cmd\":[\"echo\"],\"args\":{\"limit\":7,\"loud\":true},\"argv\":[\"--\",\"--x\"]}",
		"{\"ok\":true,\"result\":{\"text\":\"--x\",\"facts\":{\"limit\":\"7\",\"loud\":\"()\"}}}\n" },
	{ "{\"argv\":[\"echo\",\"--limit\"]}", "{\"ok\":false,\"error\":\"--limit needs a value; "
		"usage: echo [WORD]... [--limit N] "
		"[--loud]\",\"code\":2}\n" },
	{ "{\"argv\":[\"echo\",\"--lim\",\"3\"]}", "{\"ok\":false,\"error\":\"there is no option "
		"--lim; usage: echo [WORD]... "
		"[--limit N] [--loud]\",\"code\":2}\n" },
	{ "{\"argv\":[\"echo\",\"--loud=3\"]}", "{\"ok\":false,\"error\":\"--loud takes no value; "
		"usage: echo [WORD]... "
		"[--limit N] [--loud]\",\"code\":2}\n" },
	{ "{\"argv\":[\"echo\",\"1\",\"2\",\"3\",\"4\"]}",
		"{\"ok\":false,\"error\":\"`4' is one argument too many; usage: echo "
		"[WORD]... [--limit N] [--loud]\",\"code\":2}\n" },
	{ "{\"cmd\":[\"count\",\"all\"]}",
		"{\"ok\":true,\"result\":{\"facts\":{\"shards\":2,\"name\":\"shard "
		"0\"},\"table\":{\"columns\":"
		"[\"shard\",\"note\"],\"rows\":[[\"0\",\"-\"],[\"1\",\"-\"]]}}}\n" },
	{ "{\"cmd\":[\"where\"],\"argv\":[\"romeo@example.org\"]}",
		"{\"ok\":true,\"result\":{\"facts\":{\"jid\":\"romeo@example.org\",\"shard\":1}}}\n" },
	{ "{\"cmd\":[\"where\"],\"argv\":[\"juliet@example.org\"]}",
		"{\"ok\":true,\"result\":{\"facts\":{\"jid\":\"juliet@example.org\",\"shard\":0}}}\n" },
	{ "{\"cmd\":[\"where\"],\"argv\":[\"@\"]}",
		"{\"ok\":false,\"error\":\"`@' is not a JID\",\"code\":2}\n" },
	{ "{\"cmd\":[\"where\"]}", "{\"ok\":false,\"error\":\"an argument is missing; usage: where "
		"JID\",\"code\":2}\n" },
	{ "{\"cmd\":[\"half\"]}", "{\"ok\":false,\"error\":\"shard 1 will not\",\"code\":1}\n" },
	{ "{\"cmd\":[\"ehco\"]}", "{\"ok\":false,\"error\":\"there is no command `ehco'; did you "
		"mean `echo'?\",\"code\":2}\n" },
	{ "{\"cmd\":[\"quite\",\"else\"]}",
		"{\"ok\":false,\"error\":\"there is no command `quite'; `help' lists "
		"all\",\"code\":2}\n" },
	{ "{\"cmd\":[\"count\"]}", "{\"ok\":false,\"error\":\"`count' is followed by one of: "
		"all\",\"code\":2}\n" },
	{ "{\"cmd\":[\"count\",\"al\"]}",
		"{\"ok\":false,\"error\":\"there is no command `count al'; did you mean `count "
		"all'?\",\"code\":2}\n" },
	{ "{}", "{\"ok\":false,\"error\":\"no command was given\",\"code\":2}\n" },
	{ "{\"cmd\":[5]}", "{\"ok\":false,\"error\":\"`cmd' and `argv' are lists of "
		"texts\",\"code\":2}\n" },
	{ "hello", "{\"ok\":false,\"error\":\"a request is a JSON object on one "
		"line\",\"code\":2}\n" },
	{ "{\"cmd\":[\"bulk\"],\"argv\":[\"h\"],\"lines\":[\"a 1\",\"b 2\"]}",
		"{\"ok\":true,\"result\":{\"text\":\"b 2\",\"facts\":{\"lines\":2}}}\n" },
	{ "{\"cmd\":[\"help\",\"co\"]}", "{\"ok\":false,\"error\":\"there is no command `co'; "
		"`help' lists all\",\"code\":1}\n" },
	{ "{\"cmd\":[\"help\",\"count\"]}",
		"{\"ok\":true,\"result\":{\"table\":{\"columns\":[\"command\",\"what it "
		"does\"],\"rows\":[[\"count all\","
		"\"Counts.\"]]}}}\n" },
};

static void
test_questions(void)
{
	int fd = connect_client();

	for (size_t i = 0; i < N_ELEMENTS(questions); i++)
		is_text(ask(fd, questions[i].line), questions[i].want, "asked: %s",
			questions[i].line);
	is_text(ask(fd, "{\"cmd\":\"echo 1\"}\n\n{\"cmd\":\"echo 2\"}"),
		"{\"ok\":true,\"result\":{\"text\":\"1\"}}\n{\"ok\":true,\"result\":{\"text\":\"2\"}}\n",
		"two lines at once");
	close(fd);
	turns(3);
}

static void
test_who(void)
{
	struct stat st;

	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
}

static void
test_half_closed(void)
{
	int fd = connect_client();

	if (write(fd, "{\"cmd\":\"echo 1\"}\n", 17) < 0)
		return;
	shutdown(fd, SHUT_WR);
	is_text(hear(fd), "{\"ok\":true,\"result\":{\"text\":\"1\"}}\n",
		"answered though the client writes no more");
	is_int(read(fd, &(char){ 0 }, 1), 0, "then closed");
	close(fd);
}

static void
test_long_line(void)
{
	int fd = connect_client();
	char *junk = malloc(65536);
	const char *got;

	memset(junk, 'x', 65536);
	for (int i = 0; i < 40; i++) {
		if (write(fd, junk, 65536) < 0 && errno != EAGAIN)
			break;
		turns(2);
	}
	got = hear(fd);
	is_text(got, "{\"ok\":false,\"error\":\"a line has more than 1 MiB\",\"code\":2}\n",
		"a line without end");
	free(junk);
	close(fd);
	turns(3);
}

static void
test_no_answer(void)
{
	int fd = connect_client();

	is_text(ask(fd, "{\"cmd\":\"stall\"}"), "", "nobody answers yet");
	clock_shift(31 * 1000000LL);
	is_text(hear(fd), "{\"ok\":false,\"error\":\"shard 0 did not answer in time; what it does "
		"with `stall' is unknown\",\"code\":1}\n", "nobody answered");
	is_text(ask(fd, "{\"cmd\":\"echo 1\"}"), "{\"ok\":true,\"result\":{\"text\":\"1\"}}\n",
		"the client goes on");
	loop_become(0);
	sc_command_done(&kept);
	is_text(hear(fd), "", "the late answer is for nobody");
	is_text(ask(fd, "{\"cmd\":\"stall\"}"), "", "a client asks");
	close(fd);
	turns(3);
	loop_become(0);
	sc_command_done(&kept);
	turns(3);
}

static void
test_stream(void)
{
	int fd = connect_client();

	is_text(ask(fd, "{\"cmd\":[\"look\",\"romeo@example.org\"]}"), "",
		"a stream begins in silence");
	clock_shift(60 * 1000000LL);
	is_text(hear(fd), "", "and may be silent");
	loop_become(1);
	ok(kept != NULL && admin_is_streaming(kept), "it is one");
	admin_event(kept, (const char *const[]){ "dir", "in", "xml", "<a/>", NULL });
	is_text(hear(fd), "{\"ok\":true,\"event\":{\"dir\":\"in\",\"xml\":\"<a/>\"}}\n",
		"an event");
	for (int i = 0; i < 100; i++) {
		loop_become(1);
		admin_event(kept, (const char *const[]){ "n", "1", NULL });
	}
	turns(2);
	close(fd);
	turns(5);
	is_int(stopped, 1, "stopped when the client closed");
	ok(kept == NULL, "on its shard");

	fd = connect_client();
	ask(fd, "{\"cmd\":[\"look\",\"romeo@example.org\"]}");
	loop_become(1);
	sc_command_done(&kept);
	is_text(hear(fd), "{\"ok\":true,\"result\":{}}\n", "a stream that ends by itself");
	close(fd);
	turns(5);
	is_int(stopped, 1, "is not stopped");

	/* Its end and the client's cross. */
	fd = connect_client();
	ask(fd, "{\"cmd\":[\"look\",\"romeo@example.org\"]}");
	close(fd);
	loop_become(0);
	loop_turn();
	loop_turn();
	loop_become(1);
	sc_command_done(&kept);
	turns(5);
	is_int(stopped, 1, "an end that crosses the stop");
}

static void
test_listen_again(void)
{
	char error[300] = "", want[300];
	int fd;

	loop_become(0);
	admin_close();
	ok(access(path, F_OK) != 0, "the socket goes");
	ok(admin_listen(path, error, sizeof(error)), "listens again %s", error);
	admin_close();

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ok(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0,
		"somebody else listens");
	ok(!admin_listen(path, error, sizeof(error)), "we refuse");
	snprintf(want, sizeof(want), "control socket %s: another server answers there", path);
	is_text(error, want, "and say why");
	close(fd);
	ok(admin_listen(path, error, sizeof(error)), "what he left behind is replaced");
	admin_close();
	ok(!admin_listen(
		"/tmp/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789/ctl",
		error, sizeof(error)), "too long a path");
}

int
main(void)
{
	char error[300] = "";

	if (mkdtemp(dir) == NULL || !log_open("/dev/null", error, sizeof(error)))
		return 1;
	snprintf(path, sizeof(path), "%s/run/ctl", dir);
	admin_home_of = home;
	loop_setup(2);
	loop_become(0);
	ok(admin_register("", admin_help_rows, sizeof(struct sc_command_row), error, sizeof(error)),
		"help");
	ok(admin_register("testing", rows, sizeof(struct sc_command_row), error, sizeof(error)),
		"rows");
	ok(!admin_register("other", rows, sizeof(struct sc_command_row), error, sizeof(error)),
		"words are taken");
	is_text(error, "module other: the command `echo' is taken by testing", "by whom");
	ok(admin_listen(path, error, sizeof(error)), "listens: %s", error);
	test_who();
	test_questions();
	test_half_closed();
	test_long_line();
	test_no_answer();
	test_stream();
	test_listen_again();
	admin_forget();
	loop_teardown();
	arena_thread_done();
	log_close();
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(dir);
	return done_testing();
}
