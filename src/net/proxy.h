/* SPDX-License-Identifier: MIT */
/* proxy: reads a PROXY protocol header, version 1 or 2, from bytes. Pure: no sockets. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define PROXY_MAX 2048          /* longest header accepted; type-length-values of version 2 count */

enum proxy_result {
	PROXY_MORE,             /* all bytes so far belong to the header, and it is not complete */
	PROXY_DONE,
	PROXY_BAD,
};

struct proxy_header {
	size_t length;                  /* of the header, when done: what follows is the client's */
	/* false: LOCAL, UNKNOWN or a Unix socket; the connection's own address counts */
	bool has_peer;
	struct sockaddr_storage peer;
	socklen_t peer_len;
};

enum proxy_result proxy_parse(const unsigned char *bytes, size_t n, struct proxy_header *);

#endif
