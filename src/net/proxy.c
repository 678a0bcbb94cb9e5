/* SPDX-License-Identifier: MIT */
/*
 * proxy: the PROXY protocol, version 1 (a line) and version 2 (binary). Strict: what is not
 * exactly a header is refused, because only a configured proxy may speak here, and a client that
 * gets through with a forged one escapes the limits per address.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include "net/proxy.h"

#define V1_MAX 107              /* with CR LF, by the specification */
#define V1_WORDS 6
#define V2_HEAD 16

static const unsigned char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";
static const char v1_signature[] = "PROXY ";

/* Version 1 */

/* 0 to 65535 in decimal, no sign, no leading zero. */
static bool
read_port(const char *text, in_port_t *out)
{
	unsigned long port = 0;
	size_t n = strlen(text);

	if (n == 0 || n > 5 || (n > 1 && text[0] == '0') || strspn(text, "0123456789") != n)
		return false;
	for (size_t i = 0; i < n; i++)
		port = 10 * port + (unsigned long)(text[i] - '0');
	*out = htons((uint16_t)port);
	return port <= UINT16_MAX;
}

static bool
read_four(char *const word[V1_WORDS], struct proxy_header *header)
{
	struct sockaddr_in *peer = (struct sockaddr_in *)&header->peer;
	struct in_addr ours;
	in_port_t our_port;

	peer->sin_family = AF_INET;
	header->peer_len = sizeof(*peer);
	return inet_pton(AF_INET, word[2], &peer->sin_addr) == 1 &&
		inet_pton(AF_INET, word[3], &ours) == 1 &&
		read_port(word[4], &peer->sin_port) && read_port(word[5], &our_port);
}

static bool
read_six(char *const word[V1_WORDS], struct proxy_header *header)
{
	struct sockaddr_in6 *peer = (struct sockaddr_in6 *)&header->peer;
	struct in6_addr ours;
	in_port_t our_port;

	peer->sin6_family = AF_INET6;
	header->peer_len = sizeof(*peer);
	return inet_pton(AF_INET6, word[2], &peer->sin6_addr) == 1 &&
		inet_pton(AF_INET6, word[3], &ours) == 1 &&
		read_port(word[4], &peer->sin6_port) && read_port(word[5], &our_port);
}

/* Splits at single spaces; the number of words, one above V1_WORDS when there are more. */
static int
split(char *line, char *word[V1_WORDS])
{
	int n = 1;

	word[0] = line;
	for (char *p = line; *p != '\0'; p++) {
		if (*p != ' ')
			continue;
		if (n == V1_WORDS)
			return V1_WORDS + 1;
		*p = '\0';
		word[n++] = p + 1;
	}
	return n;
}

static enum proxy_result
read_line(const unsigned char *bytes, size_t length, struct proxy_header *header)
{
	char line[V1_MAX], *word[V1_WORDS];
	int words;

	if (length < 2 || bytes[length - 2] != '\r' || memchr(bytes, '\0', length) != NULL)
		return PROXY_BAD;
	memcpy(line, bytes, length - 2);
	line[length - 2] = '\0';
	header->length = length;
	words = split(line, word);
	/* After UNKNOWN anything may stand, and is to be ignored. */
	if (words >= 2 && strcmp(word[1], "UNKNOWN") == 0)
		return PROXY_DONE;
	if (words != V1_WORDS)
		return PROXY_BAD;
	header->has_peer = true;
	if (strcmp(word[1], "TCP4") == 0)
		return read_four(word, header) ? PROXY_DONE : PROXY_BAD;
	if (strcmp(word[1], "TCP6") == 0)
		return read_six(word, header) ? PROXY_DONE : PROXY_BAD;
	return PROXY_BAD;
}

static enum proxy_result
parse_v1(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	const unsigned char *end = memchr(bytes, '\n', n < V1_MAX ? n : V1_MAX);

	if (end != NULL)
		return read_line(bytes, (size_t)(end - bytes) + 1, header);
	return n < V1_MAX ? PROXY_MORE : PROXY_BAD;
}

/* Version 2 */

static enum proxy_result
read_addresses(unsigned char family, const unsigned char *bytes, size_t n,
	struct proxy_header *header)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&header->peer;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&header->peer;

	switch (family) {
	case 0x11:      /* TCP over IPv4: addresses of 4, ports of 2 */
		if (n < 12)
			return PROXY_BAD;
		four->sin_family = AF_INET;
		memcpy(&four->sin_addr, bytes, 4);
		memcpy(&four->sin_port, bytes + 8, 2);
		header->peer_len = sizeof(*four);
		break;
	case 0x21:      /* TCP over IPv6: addresses of 16, ports of 2 */
		if (n < 36)
			return PROXY_BAD;
		six->sin6_family = AF_INET6;
		memcpy(&six->sin6_addr, bytes, 16);
		memcpy(&six->sin6_port, bytes + 32, 2);
		header->peer_len = sizeof(*six);
		break;
	case 0x00:      /* unspecified */
	case 0x31:      /* a Unix socket */
		return PROXY_DONE;
	default:
		return PROXY_BAD;
	}
	header->has_peer = true;
	return PROXY_DONE;
}

static enum proxy_result
parse_v2(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	size_t rest;

	if (n < V2_HEAD)
		return PROXY_MORE;
	rest = (size_t)bytes[14] << 8 | bytes[15];
	if (bytes[12] >> 4 != 2 || (bytes[12] & 15) > 1 || V2_HEAD + rest > PROXY_MAX)
		return PROXY_BAD;
	if (n < V2_HEAD + rest)
		return PROXY_MORE;
	header->length = V2_HEAD + rest;
	/* LOCAL: the proxy itself looks whether we live. */
	if ((bytes[12] & 15) == 0)
		return PROXY_DONE;
	return read_addresses(bytes[13], bytes + V2_HEAD, rest, header);
}

static bool
begins(const unsigned char *bytes, size_t n, const void *signature, size_t length)
{
	return memcmp(bytes, signature, n < length ? n : length) == 0;
}

enum proxy_result
proxy_parse(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	*header = (struct proxy_header){ 0 };
	if (n == 0)
		return PROXY_MORE;
	if (begins(bytes, n, v2_signature, sizeof(v2_signature)))
		return parse_v2(bytes, n, header);
	if (begins(bytes, n, v1_signature, sizeof(v1_signature) - 1))
		return parse_v1(bytes, n, header);
	return PROXY_BAD;
}
