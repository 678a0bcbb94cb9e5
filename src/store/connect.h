/* SPDX-License-Identifier: MIT */
/* connect: making a connection, in the blocking way. For threads of their own, the
 * supervisor, and start. */
#ifndef STORE_CONNECT_H
#define STORE_CONNECT_H

#include <libpq-fe.h>
#include <stonechat/text.h>

struct connect_want {
	const char *uri;
	const char *app_name;
	int statement_timeout_ms;       /* 0: none */
	bool read_only;                 /* a statement that writes is refused */
	/* the process that served this connection before it was lost; 0: none. It is ended
	 * first: what it was doing must not be done after what comes now. */
	int predecessor;
};

/* Follows the address to the server that takes writes. NULL with a sentence, which never
 * holds the password. */
PGconn *connect_now(const struct connect_want *, char *error, size_t error_size);
/* A message of libpq in one line. */
void connect_error(const char *message, char *error, size_t error_size);

#endif
