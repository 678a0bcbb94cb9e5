/* SPDX-License-Identifier: MIT */
/* check: everything but DNS, which is in check_dns.c. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "core/check.h"
#include "net/tls.h"
#include "plugin/conf.h"
#include "store/store.h"

#define DAY 86400
#define SOON (21 * DAY)         /* a certificate that ends within this will surprise somebody */

const char *
check_state_name(enum check_state state)
{
	static const char *const names[] = { [CHECK_GOOD] = "good", [CHECK_NOTE] = "note",
		[CHECK_PROBLEM] = "problem" };

	return names[state];
}

void
check_say(struct check *c, enum check_state state, const char *topic, const char *fmt, ...)
{
	char sentence[1500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	c->problems += state == CHECK_PROBLEM;
	c->say(c, state, topic, sentence);
}

/* --- the file, which may have been edited since the server read it --- */

static void
check_conf(struct check *c)
{
	char error[1024];
	struct conf *again;

	if (c->db_uri == NULL) {
		check_say(c, CHECK_GOOD, "configuration", "%s is right", c->conf_file);
		return;
	}
	again = conf_load(c->conf_file, error, sizeof error);
	if (again == NULL)
		check_say(c, CHECK_PROBLEM, "configuration",
			"the next start or reload would fail: %s", error);
	else
		check_say(c, CHECK_GOOD, "configuration", "%s is right", c->conf_file);
	conf_unref(&again);
}

/* --- certificates --- */

static void
see_certificate(void *arg, const char *host, const char *file, int64_t not_after, bool names_match)
{
	struct check *c = arg;
	int64_t left = not_after - (int64_t)time(NULL);

	if (!names_match)
		check_say(c, CHECK_PROBLEM, "certificate",
			"%s: its names do not include %s, so clients will refuse it", file, host);
	else if (left <= 0)
		check_say(c, CHECK_PROBLEM, "certificate", "%s for %s expired %lld days ago", file,
			host, (long long)(-left / DAY));
	else
		check_say(c, left < SOON ? CHECK_PROBLEM : CHECK_GOOD, "certificate",
			"%s for %s is good for %lld more days", file, host,
			(long long)(left / DAY));
}

static void
check_certificates(struct check *c)
{
	const char **names = mem_new(((size_t)conf_hosts(c->conf) + 1) * sizeof *names);
	const char *dir = conf_find_text(c->conf, "", "cert_dir");
	struct tls_conf t = { .cert_dir = dir ? dir : "", .hosts = names };
	char error[1024];
	struct tls_ctx *ctx;

	for (int i = 0; i < conf_hosts(c->conf); i++)
		names[i] = conf_host(c->conf, i)->name;
	ctx = tls_load(&t, TLS_C2S, NULL, error, sizeof error);
	if (ctx == NULL)
		check_say(c, CHECK_PROBLEM, "certificate", "%s", error);
	for (int i = 0; ctx != NULL && names[i] != NULL; i++)
		if (!tls_has(ctx, names[i]))
			check_say(c, CHECK_PROBLEM, "certificate", "there is none for %s: put "
				"%s.crt and %s.key into %s", names[i], names[i],
				names[i], t.cert_dir);
	if (ctx != NULL) {
		tls_each(ctx, see_certificate, c);
		tls_unref(&ctx);
	}
	free(names);
}

/* --- the database --- */

static void
check_steps(struct check *c, const char *uri)
{
	const char *dir = conf_find_text(c->conf, "", "schema_dir");
	char error[1024] = "";
	char *plan = dir ? store_migration_plan(uri, dir, error, sizeof error) : NULL;

	if (plan == NULL)
		check_say(c, CHECK_PROBLEM, "database", "%s", error);
	else if (strstr(plan, ": to do") != NULL)
		check_say(c, CHECK_NOTE, "database", "steps of the schema are to do; the next "
			"start does them, `db plan` lists them");
	else
		check_say(c, CHECK_GOOD, "database", "it answers, and its schema is up to date");
	free(plan);
}

static void
check_database(struct check *c)
{
	const char *said = conf_find_text(c->conf, "db", "uri");
	const char *uri = c->db_uri != NULL ? c->db_uri : said;
	int64_t connections = 60, unsafe = 0;
	char error[1024];

	if (uri == NULL || *uri == '\0') {
		check_say(c, CHECK_GOOD, "database", "a private PostgreSQL in %s/pg, which starts "
			"with the server", conf_find_text(c->conf, "", "state_dir"));
		return;
	}
	conf_find_number(c->conf, "db", "connections", &connections);
	conf_find_number(c->conf, "db", "allow_unsafe", &unsafe);
	if (!store_check_server(uri, (int)connections, unsafe != 0, error, sizeof error))
		check_say(c, CHECK_PROBLEM, "database", "%s", error);
	else
		check_steps(c, uri);
}

/* --- ports --- */

static socklen_t
address_of(const struct conf_listen *l, bool to_connect, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct sockaddr_in *four = (struct sockaddr_in *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET6, l->address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)l->port);
		if (to_connect && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
			six->sin6_addr = in6addr_loopback;
		return sizeof *six;
	}
	inet_pton(AF_INET, l->address, &four->sin_addr);
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)l->port);
	if (to_connect && four->sin_addr.s_addr == htonl(INADDR_ANY))
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof *four;
}

/* A running server must answer there; without one the port must be free. */
static void
check_port(struct check *c, const struct conf_listen *l)
{
	struct sockaddr_storage address;
	bool running = c->db_uri != NULL;
	socklen_t n = address_of(l, running, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	int failed;

	if (fd >= 0 && !running)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	failed = fd < 0 || (running ? connect(fd, (struct sockaddr *)&address, n) : bind(fd,
		(struct sockaddr *)&address, n)) != 0
		? errno : 0;
	if (fd >= 0)
		close(fd);
	if (failed == 0)
		check_say(c, CHECK_GOOD, "port", "%s port %d (%s) %s", l->address, l->port, l->type,
			running ? "answers" : "is free");
	else if (failed == EACCES && !running)
		check_say(c, CHECK_NOTE, "port", "%s port %d (%s) can only be opened by root",
			l->address, l->port, l->type);
	else if (failed == EADDRINUSE)
		check_say(c, CHECK_PROBLEM, "port", "%s port %d (%s) is taken by another program",
			l->address, l->port, l->type);
	else
		check_say(c, CHECK_PROBLEM, "port", "%s port %d (%s): %s", l->address, l->port,
			l->type, strerror(failed));
}

/* --- the machine --- */

static void
check_machine(struct check *c)
{
	const char *user = conf_find_text(c->conf, "", "user");
	struct rlimit limit;

	if (geteuid() == 0 && user != NULL && getpwnam(user) == NULL)
		check_say(c, CHECK_PROBLEM, "user", "there is no user %s: create it with `useradd "
			"--system %s`", user, user);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < 10000)
		check_say(c, CHECK_NOTE, "limits", "at most %llu descriptors, so about as many "
			"clients: raise the hard limit (LimitNOFILE)",
			(unsigned long long)limit.rlim_max);
}

void
check_run(struct check *c)
{
	check_conf(c);
	check_machine(c);
	check_certificates(c);
	check_dns(c);
	check_database(c);
	for (int i = 0; i < conf_listens(c->conf); i++)
		check_port(c, conf_listen(c->conf, i));
}
