/* SPDX-License-Identifier: MIT */
/* dial: SRV records in order, the refusal, the fallback, and the next one when one fails. */
#include "config.h"

#include "base/stats.h"
#include "dns_try.h"
#include "net/dial.h"

static struct fake_rr zone[] = {
	{ "_xmpps-server._tcp.two.example", "SRV", 60, NULL },
	{ "_xmpp-server._tcp.two.example", "SRV", 60, NULL },
	{ "_xmpp-server._tcp.no.example", "SRV", 60, "0 0 0 ." },
	{ "_xmpp-server._tcp.dane.example", "SRV", 60, NULL },
	{ NULL, "TLSA", 60, "3 1 1 "
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" },
	{ "dead.example", "A", 60, "127.0.0.1" },
	{ "live.example", "A", 60, "127.0.0.1" },
	{ "plain.example", "A", 60, "127.0.0.1" },
	{ NULL, NULL, 0, NULL }
};

static struct dial_result got;
static int calls;

static void
note(void *arg, const struct dial_result *r)
{
	(void)arg;
	got = *r;
	calls++;
	if (r->end == DIAL_CONNECTED)
		close(r->fd);
}

static struct dial *
dial(const char *domain, int port)
{
	struct dial_conf conf = { .srv_tls = "_xmpps-server._tcp", .srv = "_xmpp-server._tcp",
		.standard_port = port };
	struct dial *d;

	calls = 0;
	d = dial_start(domain, &conf, note, NULL);
	if (calls > 0)
		ok(false, "nothing is said inside dial_start()");
	RUN_UNTIL(calls > 0);
	return d;
}

/* RFC 7673: records count only where the whole way is authentic, and the name servers are trusted
 * to say so. */
static void
test_dane(void)
{
	struct dial *d;

	fake.ad = true;
	d = dial("dane.example", 1);
	is_int(got.end, DIAL_CONNECTED, "a way that says it is authentic, to a stranger");
	ok(!got.secure && got.n_tlsa == 0, "proves nothing");
	dial_free(&d);
	dns_stop();
	ok(fake_use(true), "a name server that is trusted");
	d = dial("dane.example", 1);
	is_int(got.end, DIAL_CONNECTED, "an authentic way");
	ok(got.secure, "is known as such");
	is_int(got.n_tlsa, 1, "with what the certificate must be");
	ok(got.n_tlsa == 1 && got.tlsa[0].usage == 3 && got.tlsa[0].n == 32, "in full");
	dial_free(&d);
	fake.ad = false;
	dns_stop();
	ok(fake_use(true), "an empty cache");
	d = dial("dane.example", 1);
	is_int(got.end, DIAL_CONNECTED, "the same way, not authentic");
	ok(!got.secure && got.n_tlsa == 0, "has no such records");
	dial_free(&d);
}

int
main(void)
{
	struct sockaddr_in at;
	char dead[80], live[80], tlsa[80];
	int listener, port;
	struct dial *d;

	stats_thread_start();
	loop_setup(1);
	loop_become(0);
	listener = help_listen(&at);
	port = ntohs(at.sin_port);
	snprintf(dead, sizeof(dead), "1 0 1 dead.example");
	snprintf(live, sizeof(live), "2 0 %d live.example", port);
	zone[0].data = dead;
	zone[1].data = live;
	snprintf(tlsa, sizeof(tlsa), "_%d._tcp.live.example", port);
	zone[3].data = live;
	zone[4].name = tlsa;
	fake_start(zone);
	ok(fake_use(false), "a name server");

	d = dial("two.example", 1);
	is_int(got.end, DIAL_CONNECTED, "the first target is dead, the second answers");
	is_text(got.target, "live.example", "it is the one of the old way");
	ok(!got.direct_tls && !got.secure, "and known as such");
	calls = 0;
	dial_next(d);
	RUN_UNTIL(calls > 0);
	is_int(got.end, DIAL_FAILED, "then none is left");
	dial_free(&d);

	d = dial("plain.example", port);
	is_int(got.end, DIAL_CONNECTED, "without SRV the name itself at the usual port");
	dial_free(&d);
	d = dial("no.example", port);
	is_int(got.end, DIAL_NOT_FOUND, "a domain that has no server");
	is_text(got.why, "no.example says in DNS that it has no XMPP server", "and why");
	dial_free(&d);
	d = dial("nobody.example", port);
	is_int(got.end, DIAL_NOT_FOUND, "a domain that nobody knows");
	dial_free(&d);
	d = dial("servfail.example", port);
	is_int(got.end, DIAL_FAILED, "a name server's failure is not certain");
	dial_free(&d);
	d = dial("127.0.0.1", port);
	is_int(got.end, DIAL_CONNECTED, "an address");
	dial_free(&d);
	dial_free(&d);
	test_dane();
	dns_stop();
	fake_stop();
	close(listener);
	loop_teardown();
	return done_testing();
}
