/* SPDX-License-Identifier: MIT */
/*
 * micro_stanza: nanoseconds for the steps that every routed stanza takes. Not a test; run it by
 * hand.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/table.h"
#include "xml/xml.h"
#include "xmpp/stanza.h"

#ifndef ROUNDS
#define ROUNDS 300000
#endif

static const char header[] = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	"xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>";
/* 442 bytes, as the load generator sends. */
static const char message[] = "<message to='user4711@bench.example.org/phone' type='chat' "
	"id='a1b2c3d4-0000-4000-8000-0123456789ab'><body>The quick brown fox jumps over the "
	"lazy dog, then "
	"sits down and waits for an answer that may or may not come before the night.</body>"
	"<active xmlns='http://jabber.org/protocol/chatstates'/><request "
	"xmlns='urn:xmpp:receipts'/>"
	"<origin-id xmlns='urn:xmpp:sid:0' id='a1b2c3d4-0000-4000-8000-0123456789ab'/>"
	"<markable xmlns='urn:xmpp:chat-markers:0'/></message>";

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct sc_stanza *
one(struct xml_in *in, const struct sc_jid *from)
{
	struct sc_arena *arena = NULL;
	struct sc_elem *root = NULL;
	struct sc_stanza *s;
	bool bad_from, bad_to;

	xml_in_feed(in, message, sizeof(message) - 1);
	if (xml_next(in, &arena, &root) != XML_STANZA)
		return NULL;
	s = stanza_from_tree(arena, root);
	if (!stanza_addresses(s, &bad_from, &bad_to))
		return NULL;
	sc_set_from(s, from);
	return s;
}

int
main(void)
{
	static const struct xml_limits limits = { 256 * 1024, 16 * 1024, 64, 64, 32, 256 };
	struct xml_in *in = xml_in_new(&limits);
	struct sc_arena *arena = arena_new(), *scratch = arena_new();
	struct sc_elem *root;
	const struct sc_jid *from = sc_jid(arena, "user42@bench.example.org/laptop");
	struct buf out = { 0 };
	size_t weight = 0;
	double t;

	xml_in_feed(in, header, sizeof(header) - 1);
	while (xml_next(in, &arena, &root) != XML_MORE)
		;
	printf("message: %zu bytes\n", sizeof(message) - 1);

	t = now();
	for (int i = 0; i < ROUNDS; i++) {
		xml_in_feed(in, message, sizeof(message) - 1);
		xml_next(in, &arena, &root);
		arena_free(arena);
		xml_next(in, &arena, &root);
	}
	printf("parse to tree, free:          %7.0f ns\n", (now() - t) / ROUNDS);

	t = now();
	for (int i = 0; i < ROUNDS; i++) {
		struct sc_stanza *s = one(in, from);

		sc_seal(s);
		weight = stanza_weight(s);
		sc_stanza_free(&s);
	}
	printf("parse, addresses, seal, free: %7.0f ns, %zu bytes\n", (now() - t) / ROUNDS, weight);

	struct sc_stanza *s = one(in, from);

	sc_seal(s);
	t = now();
	for (int i = 0; i < ROUNDS; i++) {
		out.n = 0;
		stanza_splice(&out, s, sc_jid_span(sc_to(s)), (struct sc_span){ 0 }, false);
	}
	printf("splice for a recipient:       %7.1f ns\n", (now() - t) / ROUNDS);

	t = now();
	for (int i = 0; i < ROUNDS; i++) {
		sc_jid(scratch, "user4711@bench.example.org/phone");
		arena_reset(scratch);
	}
	printf("sc_jid, ASCII:                %7.1f ns\n", (now() - t) / ROUNDS);

	t = now();
	for (int i = 0; i < ROUNDS / 10; i++) {
		sc_jid(scratch, "J\u00fcliet@b\u00fccher.example/\u00c9tage");
		arena_reset(scratch);
	}
	printf("sc_jid, Unicode:              %7.0f ns\n", (now() - t) / (ROUNDS / 10));

	uint32_t sum = 0;

	t = now();
	for (int i = 0; i < ROUNDS; i++)
		sum += hash_bytes("user4711@bench.example.org", 26);
	printf("hash of 26 bytes:             %7.1f ns (%u)\n", (now() - t) / ROUNDS, sum & 1);
	return 0;
}
