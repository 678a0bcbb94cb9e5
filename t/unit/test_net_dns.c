/* SPDX-License-Identifier: MIT */
/* dns: against a name server of our own on loopback: records, aliases, the cache, and every way in
 * which an answer can be none. */
#include "config.h"

#include "base/clock.h"
#include "base/stats.h"
#include "dns_try.h"

#define SECOND 1000000LL

static const struct fake_rr zone[] = {
	{ "_xmpp-server._tcp.example.org", "SRV", 300, "10 5 5269 XMPP.example.org" },
	{ "_xmpp-server._tcp.example.org", "SRV", 200, "20 0 5270 b.example.org" },
	{ "_xmpp-server._tcp.none.example.org", "SRV", 300, "0 0 0 ." },
	{ "xmpp.example.org", "A", 60, "192.0.2.7" },
	{ "xmpp.example.org", "AAAA", 60, "2001:db8::7" },
	{ "alias.example.org", "CNAME", 50, "xmpp.example.org" },
	{ "round.example.org", "CNAME", 50, "round.example.org" },
	{ "xn--bcher-kva.example", "A", 60, "192.0.2.8" },
	{ "_5269._tcp.xmpp.example.org", "TLSA", 60, "3 1 1 00ff10" },
	{ "tc.example.org", "A", 60, "192.0.2.9" },
	{ "cut.example.org", "A", 60, "192.0.2.9" },
	{ "other.example.org", "A", 60, "192.0.2.9" },
	{ "zero.example.org", "A", 0, "192.0.2.10" },
	{ NULL, NULL, 0, NULL }
};

static struct got {
	int calls;
	enum dns_status status;
	bool authentic;
	int64_t ttl;
	char text[400], why[100];
} got;

static void
write_record(const struct dns_record *r, enum dns_type type, char *out, size_t size)
{
	switch (type) {
	case DNS_A:
		inet_ntop(AF_INET, r->address, out, (socklen_t)size);
		break;
	case DNS_AAAA:
		inet_ntop(AF_INET6, r->address, out, (socklen_t)size);
		break;
	case DNS_SRV:
		snprintf(out, size, "%u %u %u %s", r->srv.priority, r->srv.weight, r->srv.port,
			r->data);
		break;
	case DNS_TLSA:
		snprintf(out, size, "%u %u %u %u:%02x..%02x", r->tlsa.usage, r->tlsa.selector,
			r->tlsa.matching, r->tlsa.n, (unsigned char)r->data[0],
			(unsigned char)r->data[r->tlsa.n - 1]);
		break;
	}
}

static void
later(int64_t us)
{
	clock_shift(us);
	help_turns(1);
}

static enum dns_type asked;

static void
note(void *arg, const struct dns_answer *answer)
{
	struct got *g = arg;

	g->calls++;
	g->status = answer->status;
	g->authentic = answer->authentic;
	g->ttl = answer->ttl_ms;
	g->text[0] = '\0';
	snprintf(g->why, sizeof(g->why), "%s", answer->why == NULL ? "" : answer->why);
	for (int i = 0; i < answer->n; i++) {
		size_t n = strlen(g->text);

		if (i > 0)
			n += (size_t)snprintf(g->text + n, sizeof(g->text) - n, ", ");
		write_record(&answer->records[i], asked, g->text + n, sizeof(g->text) - n);
	}
}

static const struct got *
ask(const char *name, enum dns_type type)
{
	memset(&got, 0, sizeof(got));
	asked = type;
	dns_ask(name, type, note, &got);
	if (got.calls != 0)
		ok(false, "%s is not answered inside the question", name);
	RUN_UNTIL(got.calls > 0);
	return &got;
}

static const struct {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	const char *text;               /* records, or the sentence */
} cases[] = {
	{ "_xmpp-server._tcp.example.org", DNS_SRV, DNS_FOUND,
		"10 5 5269 xmpp.example.org, 20 0 5270 b.example.org" },
	{ "_xmpp-server._tcp.EXAMPLE.org.", DNS_SRV, DNS_FOUND,
		"10 5 5269 xmpp.example.org, 20 0 5270 b.example.org" },
	{ "_xmpp-server._tcp.none.example.org", DNS_SRV, DNS_FOUND, "0 0 0 " },
	{ "xmpp.example.org", DNS_A, DNS_FOUND, "192.0.2.7" },
	{ "xmpp.example.org", DNS_AAAA, DNS_FOUND, "2001:db8::7" },
	{ "alias.example.org", DNS_A, DNS_FOUND, "192.0.2.7" },
	{ "alias.example.org", DNS_TLSA, DNS_NONE, "there is no such record" },
	{ "bücher.example", DNS_A, DNS_FOUND, "192.0.2.8" },
	{ "_5269._tcp.xmpp.example.org", DNS_TLSA, DNS_FOUND, "3 1 1 3:00..10" },
	{ "tc.example.org", DNS_A, DNS_FOUND, "192.0.2.9" },
	{ "localhost", DNS_A, DNS_FOUND, "127.0.0.1" },
	{ "deep.localhost", DNS_AAAA, DNS_FOUND, "::1" },
	{ "nothing.example.org", DNS_A, DNS_NONE, "there is no such name" },
	{ "xmpp.example.org", DNS_SRV, DNS_NONE, "there is no such record" },
	{ "round.example.org", DNS_A, DNS_FAILED, "the name is an alias of itself" },
	{ "servfail.example.org", DNS_A, DNS_FAILED,
		"the name servers cannot be reached or report a failure" },
	{ "refused.example.org", DNS_A, DNS_FAILED,
		"the name servers cannot be reached or report a failure" },
	{ "garbage.example.org", DNS_A, DNS_FAILED, "the name server's answer is broken" },
	{ "loop.example.org", DNS_A, DNS_FAILED, "the name server's answer is broken" },
	{ "cut.example.org", DNS_A, DNS_FAILED, "the name server's answer is broken" },
	{ "silent.example.org", DNS_A, DNS_FAILED, "no name server answers" },
	{ "other.example.org", DNS_A, DNS_FAILED, "no name server answers" },
	{ "", DNS_A, DNS_NONE, "no name server can know such a name" },
	{ ".", DNS_A, DNS_NONE, "no name server can know such a name" },
	{ "a..b", DNS_A, DNS_NONE, "no name server can know such a name" },
	{ "a\\.b", DNS_A, DNS_NONE, "no name server can know such a name" },
	{ "a b.example.org", DNS_A, DNS_NONE, "no name server can know such a name" },
	{ "1234567890123456789012345678901234567890123456789012345678901234.org", DNS_A, DNS_NONE,
		"no name server can know such a name" },
};

static void
test_answers(void)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		const struct got *g = ask(cases[i].name, cases[i].type);

		is_int(g->status, cases[i].status, "%.40s, type %d: status", cases[i].name,
			(int)cases[i].type);
		is_text(g->status == DNS_FOUND ? g->text : g->why, cases[i].text, "%.40s, type %d",
			cases[i].name, (int)cases[i].type);
	}
	is_int(fake.asked_tcp, 1, "what was cut off is asked again by TCP");
	ok(fake.asked_ad > 0, "questions want to know about DNSSEC");
}

static void
test_cache(void)
{
	int before;
	int64_t ttl;

	dns_forget();
	is_int(dns_cached(), 0, "nothing is cached");
	ttl = ask("alias.example.org", DNS_A)->ttl;
	ok(ttl > 49000 && ttl <= 50000, "the shortest time in the chain counts");
	before = fake.asked;
	later(40 * SECOND);
	is_text(ask("alias.example.org", DNS_A)->text, "192.0.2.7", "it is known");
	ok(got.ttl <= 10000, "and its time runs down");
	is_int(fake.asked, before, "without a question");
	later(11 * SECOND);
	is_text(ask("alias.example.org", DNS_A)->text, "192.0.2.7", "later it is asked again");
	is_int(fake.asked, before + 1, "with one question");

	before = fake.asked;
	ask("zero.example.org", DNS_A);
	ask("zero.example.org", DNS_A);
	is_int(fake.asked, before + 2, "a TTL of 0 is not kept");

	fake.negative_ttl = 120;
	before = fake.asked;
	ask("nobody.example.org", DNS_A);
	later(100 * SECOND);
	is_int(ask("nobody.example.org", DNS_A)->status, DNS_NONE, "that there is none is kept");
	is_int(fake.asked, before + 1, "by the SOA's time");
	later(21 * SECOND);
	ask("nobody.example.org", DNS_A);
	is_int(fake.asked, before + 2, "and no longer");
	fake.negative_ttl = 100000;
	ask("nobody2.example.org", DNS_A);
	ok(got.ttl <= 900000, "nor longer than the setting");
	fake.negative_ttl = 0;

	ask("servfail.example.org", DNS_A);
	before = fake.asked;
	ask("servfail.example.org", DNS_A);
	is_int(fake.asked, before, "a dead server is not asked at once again");
	later(31 * SECOND);
	ask("servfail.example.org", DNS_A);
	ok(fake.asked > before, "but after half a minute");
}

static void
test_bounded(void)
{
	char name[40];
	int64_t evicted = stats_sum(STAT_dns_evicted);

	dns_forget();
	fake.negative_ttl = 1000;
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "x%d.example.org", i);
		ask(name, DNS_A);
	}
	fake.negative_ttl = 0;
	is_int(dns_cached(), 100, "the cache keeps what it may");
	is_int(stats_sum(STAT_dns_evicted) - evicted, 50, "and counts what it dropped");
}

static void
test_together(void)
{
	struct got g[3] = { 0 };
	struct dns_query *q;
	int before = fake.asked;

	dns_forget();
	asked = DNS_A;
	dns_ask("xmpp.example.org", DNS_A, note, &g[0]);
	q = dns_ask("xmpp.example.org", DNS_A, note, &g[1]);
	dns_ask("XMPP.example.org", DNS_A, note, &g[2]);
	dns_cancel(&q);
	ok(q == NULL, "a cancelled question is forgotten");
	RUN_UNTIL(g[2].calls > 0);
	is_int(g[0].calls, 1, "the first is answered");
	is_int(g[1].calls, 0, "the cancelled one is not");
	is_int(g[2].calls, 1, "the third is");
	is_int(fake.asked, before + 1, "with one question");
	dns_cancel(&q);

	q = dns_ask("xmpp.example.org", DNS_A, note, &g[1]);
	dns_forget();
	dns_cancel(&q);
	q = dns_ask("bad name", DNS_A, note, &g[1]);
	dns_cancel(&q);
	help_turns(3);
	is_int(g[1].calls, 0, "nor is one from the cache, nor an impossible one");
}

static void
test_too_many(void)
{
	static struct got g[60];
	char name[40];
	int64_t limit = stats_sum(STAT_limit_dns);
	int failed = 0, n = 0;

	dns_forget();
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "silent.x%d.example.org", i);
		dns_ask(name, DNS_A, note, &g[i]);
	}
	help_turns(2);
	for (int i = 0; i < 60; i++)
		failed += g[i].calls;
	is_int(failed, 10, "more than fifty questions at a time are not asked");
	is_int(stats_sum(STAT_limit_dns) - limit, 10, "and counted");
	RUN_UNTIL(g[0].calls > 0 && g[49].calls > 0);
	for (int i = 0; i < 60; i++)
		n += g[i].calls;
	is_int(n, 60, "all are answered once");
}

static void
test_trust(void)
{
	fake.ad = true;
	dns_forget();
	ok(!ask("xmpp.example.org", DNS_A)->authentic, "the AD bit says nothing by itself");
	ok(fake_use(true), "a resolver that is trusted");
	ok(ask("xmpp.example.org", DNS_A)->authentic, "is believed");
	fake.ad = false;
	dns_forget();
	ok(!ask("xmpp.example.org", DNS_A)->authentic, "if it says so");
}

static void
test_settings(void)
{
	static const char *const bad[][2] = {
		{ "name.example", NULL }, { "192.0.2.1:0", NULL }, { "192.0.2.1:70000", NULL },
		{ "[2001:db8::1", NULL }, { "[2001:db8::1]53", NULL }, { "", NULL },
		{ "192.0.2.1:", NULL },
	};
	static const char *const good[] = { "192.0.2.1", "192.0.2.1:53", "2001:db8::1",
		"[2001:db8::1]", "[2001:db8::1]:5353", NULL };
	static const char *const hosts[] = { "fixed.example 198.51.100.1", "fixed.example ::2",
		"xmpp.example.org 198.51.100.9", NULL };
	static const char *const no_hosts[] = { "fixed.example", NULL };
	const char *servers[] = { fake.address, NULL };
	struct dns_conf conf = { .servers = servers, .timeout = 100, .tries = 2, .cache = 100,
		.pending = 50, .ttl_max = 86400000, .negative_max = 900000, .hosts = hosts };
	char error[200] = "", file[100];
	struct got g = { 0 };

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct dns_conf c = { .servers = bad[i] };

		ok(!dns_check(&c, error, sizeof(error)), "no server: %s", bad[i][0]);
	}
	is_text(error, "\"192.0.2.1:\" is no address of a name server", "and it is said why");
	conf.servers = good;
	ok(dns_check(&conf, error, sizeof(error)), "servers in every form");
	conf.servers = servers;
	conf.hosts = no_hosts;
	ok(!dns_check(&conf, error, sizeof(error)), "a host without an address");
	is_text(error, "\"fixed.example\" is not a name and an address", "and it is said why");

	snprintf(file, sizeof(file), "%s/hosts", help_dir());
	help_write(strndupa(file, strlen(file) - 6), "hosts",
		"# comment\n127.0.0.9\ta.lan A2.lan # more\nnonsense\n192.0.2.77 fixed.example\n");
	conf.hosts = hosts;
	conf.hosts_file = file;

	/* A question under way is asked anew. */
	asked = DNS_A;
	fake.deaf = true;
	dns_ask("_xmpp-server._tcp.example.org", DNS_A, note, &g);
	help_turns(3);
	fake.deaf = false;
	ok(dns_start(&conf, error, sizeof(error)), "other settings while a question is under way");
	RUN_UNTIL(g.calls > 0);
	is_int(g.status, DNS_NONE, "it is answered with them");
	is_text(ask("fixed.example", DNS_A)->text, "198.51.100.1", "a name in the settings");
	is_text(ask("fixed.example", DNS_AAAA)->text, "::2", "its other family");
	is_text(ask("xmpp.example.org", DNS_A)->text, "198.51.100.9", "stronger than DNS");
	is_int(ask("xmpp.example.org", DNS_AAAA)->status, DNS_NONE, "in both families");
	is_text(ask("a2.lan", DNS_A)->text, "127.0.0.9", "a name in the file");
	is_text(ask("_xmpp-server._tcp.example.org", DNS_SRV)->text,
		"10 5 5269 xmpp.example.org, 20 0 5270 b.example.org", "SRV is DNS's");
	file[strlen(file) - 6] = '\0';
	help_remove_dir(file);
}

static void
test_stop(void)
{
	struct got g = { 0 };

	dns_ask("silent.more.example.org", DNS_A, note, &g);
	help_turns(2);
	dns_stop();
	is_int(g.calls, 1, "the end answers what is under way");
	is_int(g.status, DNS_FAILED, "with a failure");
	dns_stop();
	memset(&g, 0, sizeof(g));
	dns_ask("xmpp.example.org", DNS_A, note, &g);
	RUN_UNTIL(g.calls > 0);
	is_int(g.status, DNS_FAILED, "and without a start there is only failure");
	dns_stop();
}

int
main(void)
{
	stats_thread_start();
	loop_setup(1);
	loop_become(0);
	fake_start(zone);
	ok(fake_use(false), "started");
	test_answers();
	test_cache();
	test_bounded();
	test_together();
	test_too_many();
	test_trust();
	test_settings();
	test_stop();
	fake_stop();
	loop_teardown();
	return done_testing();
}
