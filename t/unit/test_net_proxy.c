/* SPDX-License-Identifier: MIT */
/* proxy: headers of both versions, whole, cut short, and wrong. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include "net/proxy.h"
#include "tap.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(s) (s), sizeof(s) - 1

static const struct {
	const char *what, *bytes;
	size_t n;
	enum proxy_result want;
	size_t length;
	const char *peer;
} cases[] = {
	{ "TCP4", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 5678 5222\r\n<stream"), PROXY_DONE, 41,
		"192.0.2.7:5678" },
	{ "TCP6", BYTES("PROXY TCP6 2001:db8::7 ::1 1 65535\r\n"), PROXY_DONE, 36,
		"2001:db8::7:1" },
	{ "UNKNOWN", BYTES("PROXY UNKNOWN\r\n"), PROXY_DONE, 15, NULL },
	{ "UNKNOWN with a rest", BYTES("PROXY UNKNOWN ffff::1 ffff::2 65535 65535 and more\r\n"),
		PROXY_DONE, 52, NULL },
	{ "UNKNOWN as a prefix", BYTES("PROXY UNKNOWNS\r\n"), PROXY_BAD, 0, NULL },
	{ "cut in the signature", BYTES("PRO"), PROXY_MORE, 0, NULL },
	{ "cut in an address", BYTES("PROXY TCP4 192.0.2"), PROXY_MORE, 0, NULL },
	{ "cut before LF", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 5678 5222\r"), PROXY_MORE,
		0, NULL },
	{ "LF alone", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 5678 5222\n"), PROXY_BAD, 0, NULL },
	{ "a stream header", BYTES("<?xml version='1.0'?>"), PROXY_BAD, 0, NULL },
	{ "an address of the other family", BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), PROXY_BAD,
		0, NULL },
	{ "an address in hexadecimal", BYTES("PROXY TCP4 0x7f.1 10.0.0.1 1 2\r\n"), PROXY_BAD,
		0, NULL },
	{ "a port too high", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 65536 5222\r\n"), PROXY_BAD,
		0, NULL },
	{ "a port with a sign", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 +1 5222\r\n"), PROXY_BAD,
		0, NULL },
	{ "a port with a zero in front", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 01 5222\r\n"),
		PROXY_BAD, 0, NULL },
	{ "no port", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 5678\r\n"), PROXY_BAD, 0, NULL },
	{ "two spaces", BYTES("PROXY TCP4  192.0.2.7 10.0.0.1 5678 5222\r\n"), PROXY_BAD, 0, NULL },
	{ "a word too many", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 5678 5222 x\r\n"), PROXY_BAD,
		0, NULL },
	{ "a NUL", BYTES("PROXY TCP4 192.0.2.7\0 10.0.0.1 5678 5222\r\n"), PROXY_BAD, 0, NULL },
	{ "no line in 107 bytes",
		BYTES(
		"PROXY TCP4 1111111111111111111111111111111111111111111111111111111111111111111"
		"1111111111111111111111111111111111111111111"), PROXY_BAD, 0, NULL },
	{ "v2 TCP4", BYTES(V2 "\x21\x11\0\x0c" "\xc0\0\2\7" "\x0a\0\0\1" "\x16\x2e" "\x14\x66"
		"<stream"), PROXY_DONE, 28, "192.0.2.7:5678" },
	{ "v2 TCP4 with more", BYTES(V2 "\x21\x11\0\x10" "\xc0\0\2\7" "\x0a\0\0\1" "\x16\x2e"
		"\x14\x66" "\4\0\1x"), PROXY_DONE, 32, "192.0.2.7:5678" },
	{ "v2 TCP6", BYTES(V2 "\x21\x21\0\x24" "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" "\0\1" "\0\2"), PROXY_DONE, 52, "2001:db8::7:1" },
	{ "v2 LOCAL", BYTES(V2 "\x20\0\0\0"), PROXY_DONE, 16, NULL },
	{ "v2 LOCAL with addresses", BYTES(V2 "\x20\x11\0\x0c" "\xc0\0\2\7" "\x0a\0\0\1" "\x16\x2e"
	"\x14\x66"), PROXY_DONE, 28, NULL },
	{ "v2 unspecified", BYTES(V2 "\x21\0\0\0"), PROXY_DONE, 16, NULL },
	{ "v2 cut in the head", BYTES(V2 "\x21"), PROXY_MORE, 0, NULL },
	{ "v2 cut in the signature", BYTES("\r\n\r\n"), PROXY_MORE, 0, NULL },
	{ "v2 cut in an address", BYTES(V2 "\x21\x11\0\x0c" "\xc0\0"), PROXY_MORE, 0, NULL },
	{ "v2 of version 3", BYTES(V2 "\x31\x11\0\x0c" "\xc0\0\2\7" "\x0a\0\0\1" "\x16\x2e"
	"\x14\x66"), PROXY_BAD, 0, NULL },
	{ "v2 with another command", BYTES(V2 "\x22\x11\0\x0c"), PROXY_BAD, 0, NULL },
	{ "v2 of UDP", BYTES(V2 "\x21\x12\0\x0c" "\xc0\0\2\7" "\x0a\0\0\1" "\x16\x2e" "\x14\x66"),
	PROXY_BAD, 0, NULL },
	{ "v2 too short for its family", BYTES(V2 "\x21\x21\0\x0c" "\xc0\0\2\7" "\x0a\0\0\1"
	"\x16\x2e" "\x14\x66"), PROXY_BAD, 0, NULL },
	{ "v2 too long", BYTES(V2 "\x21\x11\xff\xff"), PROXY_BAD, 0, NULL },
	{ "nothing", BYTES(""), PROXY_MORE, 0, NULL },
};

static const char *
peer_text(const struct proxy_header *header)
{
	static char text[80];
	char address[INET6_ADDRSTRLEN];
	const struct sockaddr_in *four = (const void *)&header->peer;
	const struct sockaddr_in6 *six = (const void *)&header->peer;

	if (!header->has_peer)
		return NULL;
	if (header->peer.ss_family == AF_INET) {
		inet_ntop(AF_INET, &four->sin_addr, address, sizeof(address));
		snprintf(text, sizeof(text), "%s:%u", address, ntohs(four->sin_port));
	} else {
		inet_ntop(AF_INET6, &six->sin6_addr, address, sizeof(address));
		snprintf(text, sizeof(text), "%s:%u", address, ntohs(six->sin6_port));
	}
	return text;
}

/* Whatever prefix arrives first, the answer is "more" until the header is there. */
static bool
prefixes_want_more(const char *bytes, size_t n)
{
	struct proxy_header header;

	for (size_t i = 0; i < n; i++)
		if (proxy_parse((const unsigned char *)bytes, i, &header) != PROXY_MORE)
			return false;
	return true;
}

int
main(void)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct proxy_header header;

		is_int(proxy_parse((const unsigned char *)cases[i].bytes, cases[i].n, &header),
			cases[i].want, "proxy: %s", cases[i].what);
		if (cases[i].want != PROXY_DONE)
			continue;
		is_int(header.length, cases[i].length, "proxy: %s: its length", cases[i].what);
		is_text(peer_text(&header), cases[i].peer, "proxy: %s: the peer", cases[i].what);
		ok(prefixes_want_more(cases[i].bytes, cases[i].length),
			"proxy: %s: every prefix wants more", cases[i].what);
	}
	return done_testing();
}
