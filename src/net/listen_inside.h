/* SPDX-License-Identifier: MIT */
/* listen_inside: between listen.c and listen_proxy.c. */
#ifndef NET_LISTEN_INSIDE_H
#define NET_LISTEN_INSIDE_H

#include <sys/socket.h>
#include "base/list.h"

struct listener;

/* listen.c */
void listener_hand_on(struct listener *, int fd, const struct sockaddr *peer, socklen_t);

/* listen_proxy.c. `all` keeps those that are not complete, `n` counts them. Takes fd. */
void proxied_start(struct listener *, struct link *all, int *n, int fd, const struct sockaddr *peer,
	socklen_t);
void proxied_stop(struct link *all);

#endif
