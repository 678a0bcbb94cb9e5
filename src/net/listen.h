/* SPDX-License-Identifier: MIT */
/*
 * listen: sockets opened by the supervisor (SO_REUSEPORT, one per shard and port), accepted from
 * by the shards.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct listener;

/* Supervisor: opens n reuse-port sockets for one address and port. False with a sentence. */
bool listen_open(const char *address, int port, int n, int *fds, char *error, size_t error_size);

/* Called for each accepted connection, on the shard. peer is the real one when the PROXY
 * protocol is on. */
typedef void (*listen_accepted)(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_len);
/* Shard: accepts at most 64 a turn. proxy: expects a PROXY v1/v2 header (within 5 s, or the
 * connection is closed). Running out of descriptors pauses accepting for 100 ms with one log
 * line a minute and a reserve descriptor (reliability F23). */
struct listener *listen_start(int fd, bool proxy, listen_accepted, void *arg);
void listen_pause(struct listener *, bool paused);      /* overload */
/* drains the accept queue first (closing what it finds), then closes */
void listen_stop(struct listener **taken);

#endif
